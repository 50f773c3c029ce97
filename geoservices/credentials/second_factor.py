"""The second factor of an account: set up, taken along with a password, and removed."""

import base64
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Person, SignIn
from geoservices.credentials import queries
from geoservices.credentials.factors import (
    hash_recovery_code,
    is_time_code,
    make_recovery_codes,
    make_secret,
    seal,
    step_of,
    unseal,
    uri_of,
)
from geoservices.credentials.models import LocalAccount
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.settings.service import Settings

DEMANDED_OF = frozenset({Role.MANAGER, Role.ADMIN})
"""Whom an installation can ask for a second factor."""


class SecondFactorNeeded(GeoservicesError):
    """Username and password are right, and the account asks for a code as well."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "second-factor-needed"
    title = "A code is needed as well"

    def __init__(self) -> None:
        super().__init__(
            "Send the same again with `code`: the six digits that the app shows now, or a "
            "recovery code.",
            field="/code",
        )


class SecondFactorDemanded(GeoservicesError):
    """This installation asks managers and admins for a second factor; nothing was done."""

    kind = ErrorKind.FORBIDDEN
    code = "second-factor-demanded"
    title = "Set up a second factor first"

    def __init__(self) -> None:
        super().__init__("Begin with POST /v1/second-factor. Until then nothing else is allowed.")


class SecondFactorRefused(GeoservicesError):
    """The code is wrong, has run out, or was taken before."""

    kind = ErrorKind.FORBIDDEN
    code = "second-factor-refused"
    title = "The code is not good"

    def __init__(self) -> None:
        super().__init__(
            "Wait for the app's next code and send that one. Each code is taken once.",
            field="/code",
        )


class SecondFactorUnavailable(GeoservicesError):
    """This installation has no key for the secrets of second factors; nothing was changed."""

    kind = ErrorKind.CONFLICT
    code = "second-factor-unavailable"
    title = "There is no second factor here"

    def __init__(self) -> None:
        super().__init__("Its operator has to set GEOSERVICES_SIGN_IN__KEY first.")


class SecondFactorOn(GeoservicesError):
    """The account has a second factor already; nothing was changed."""

    kind = ErrorKind.CONFLICT
    code = "second-factor-on"
    title = "There is a second factor already"

    def __init__(self) -> None:
        super().__init__("Remove it with POST /v1/second-factor/removal before setting up another.")


class SecondFactorOff(GeoservicesError):
    """The account has no second factor, or its setting up was not begun; nothing was changed."""

    kind = ErrorKind.CONFLICT
    code = "second-factor-off"
    title = "There is no second factor"

    def __init__(self) -> None:
        super().__init__("Begin to set one up with POST /v1/second-factor.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What an authenticator app is told, once."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def is_demanded(person: Person, account: LocalAccount, settings: Settings) -> bool:
    """Tell whether a member has to set a second factor up before they do anything else."""
    asked = settings.sign_in.demand_second_factor and Role(person.role) in DEMANDED_OF
    return asked and not account.has_second_factor


def begin(account: LocalAccount, settings: Settings) -> Shared:
    """Make a secret for an authenticator app; it counts once a code of it was given.

    Raises:
        SecondFactorOn: There is one already.
        SecondFactorUnavailable: No secret can be kept here.
    """
    if account.has_second_factor:
        raise SecondFactorOn
    keys = keys_of(settings)
    if not keys:
        raise SecondFactorUnavailable
    secret = make_secret()
    account.totp_sealed = seal(keys[0], account.person_id, secret)
    account.totp_step = None
    host = settings.public_url.partition("://")[2]
    return Shared(secret=secret, uri=uri_of(secret, username=account.username, issuer=host))


def confirm(
    session: Session,
    account: LocalAccount,
    sign_in: SignIn,
    code: str,
    *,
    settings: Settings,
    at: datetime,
) -> list[str]:
    """Let the second factor count from now on, since the app shows what it must.

    Returns:
        The recovery codes, which are not kept and cannot be shown again.

    Raises:
        SecondFactorOn: It counts already.
        SecondFactorOff: Setting it up was not begun.
        SecondFactorRefused: It is no code that the app shows now.
    """
    if account.has_second_factor:
        raise SecondFactorOn
    if account.totp_sealed is None:
        raise SecondFactorOff
    _take_time_code(account, code, settings, at)
    account.totp_confirmed_at = at
    sign_in.enrolling = False
    codes = make_recovery_codes()
    hashes = [hash_recovery_code(account.person_id, one) for one in codes]
    queries.replace_recovery_codes(session, account.person_id, hashes)
    return codes


def take(
    session: Session, account: LocalAccount, code: str | None, *, settings: Settings, at: datetime
) -> None:
    """Take the code that goes with a password, if the account asks for one.

    The account must be locked, so that of two who send one code only one gets in.

    Raises:
        SecondFactorNeeded: There is no code.
        SecondFactorRefused: It is wrong, has run out, or was taken before.
    """
    if not account.has_second_factor:
        return
    if code is None:
        raise SecondFactorNeeded
    if is_time_code(code):
        _take_time_code(account, code, settings, at)
        return
    code_hash = hash_recovery_code(account.person_id, code)
    if not queries.use_recovery_code(session, account.person_id, code_hash, at=at):
        raise SecondFactorRefused


def remove(session: Session, account: LocalAccount) -> None:
    """Ask for no code any more, and forget the secret and the recovery codes."""
    account.totp_sealed = account.totp_confirmed_at = account.totp_step = None
    queries.replace_recovery_codes(session, account.person_id, [])


def _take_time_code(account: LocalAccount, code: str, settings: Settings, at: datetime) -> None:
    secret = _unsealed(account, settings)
    step = step_of(secret, code, after=account.totp_step, at=at) if secret else None
    if step is None or secret is None:
        raise SecondFactorRefused
    account.totp_step = step
    # What a key of before had sealed is sealed with the present one.
    account.totp_sealed = seal(keys_of(settings)[0], account.person_id, secret)


def _unsealed(account: LocalAccount, settings: Settings) -> str | None:
    sealed = account.totp_sealed
    return unseal(keys_of(settings), account.person_id, sealed) if sealed else None


def keys_of(settings: Settings) -> list[bytes]:
    """Return the keys that seal secrets, the present one first; none if none is set."""
    key = settings.sign_in.key
    found = [key, *settings.sign_in.old_keys] if key else []
    return [base64.urlsafe_b64decode(one.get_secret_value() + "=") for one in found]
