"""Spends what somebody has left of something, for all processes together."""

import hmac
from enum import Enum

from geoservices import clock
from geoservices.database import SessionFactory, transaction
from geoservices.errors import TooOften
from geoservices.keyring import derive
from geoservices.limiting import queries
from geoservices.rates import read_rate
from geoservices.settings.service import Settings


class TooManyRequests(TooOften):
    """This was asked for more often than is good for everyone; it was not done."""

    code = "too-many-requests"
    title = "Asked too often"


class Limit(Enum):
    """What is limited, and by whom; the values name the settings with the rates."""

    REQUESTS_BY_ADDRESS = "requests_by_address"
    REQUESTS_BY_TOKEN = "requests_by_token"  # noqa: S105  # It names a setting.
    DEVICES_BY_ADDRESS = "devices_by_address"
    JOINING_BY_ADDRESS = "joining_by_address"
    JOINING_ALTOGETHER = "joining_altogether"
    SIGN_IN_BY_ACCOUNT = "sign_in_by_account"
    SIGN_IN_BY_ADDRESS = "sign_in_by_address"
    PROVIDER_BY_ADDRESS = "provider_by_address"
    SECOND_FACTOR_BY_ACCOUNT = "second_factor_by_account"
    RESET_BY_ACCOUNT = "reset_by_account"
    RESET_BY_ADDRESS = "reset_by_address"
    REDEEMING_BY_SCANNER = "redeeming_by_scanner"
    EXPORTS_BY_PERSON = "exports_by_person"
    REPLAYS_BY_ORGANISATION = "replays_by_organisation"


class Limiter:
    """Counts in the database, which is the one thing that all processes share."""

    def __init__(self, sessions: SessionFactory, settings: Settings) -> None:
        """Make one for a process.

        Args:
            sessions: Each spending is a transaction of its own: what it was spent on may fail.
            settings: The rates, and the key that hides who is counted.
        """
        self._sessions = sessions
        self._rates = {limit: read_rate(getattr(settings.limits, limit.value)) for limit in Limit}
        self._key = derive(settings.codes.secret, b"limits")

    def spend(self, limit: Limit, *who: str) -> None:
        """Spend one of what somebody has.

        Args:
            limit: What is limited.
            who: Who it is: an address, an account, or several things that count together.

        Raises:
            TooManyRequests: They have none left for now.
        """
        rate = self._rates[limit]
        key = hmac.digest(self._key, "\0".join((limit.value, *who)).encode(), "sha256")
        at = clock.now()
        with transaction(self._sessions) as session:
            free_at = queries.spend(session, key, rate, at=at)
        if free_at is not None:
            raise TooManyRequests(rate.wait(free_at, at=at))
