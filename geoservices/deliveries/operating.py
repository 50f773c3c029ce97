"""What operators see of push services, and what they can say of one."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from geoservices.deliveries import queries
from geoservices.deliveries.origins import OriginState, advice

TRUST_FOR: Final = timedelta(days=1)
"""How long a push service is believed once an operator has said so."""
SHOWN: Final = 12
"""So many characters tell one public key from another."""


def report(session: Session, *, at: datetime) -> str:
    """Say how each push service stands under each key, and what an operator can do; one a line."""
    lines = [_line(state, at) for state in queries.all_origins(session)]
    return "\n".join(lines) or "Nothing was pushed yet."


def trust(session: Session, origin: str, *, at: datetime) -> str:
    """Believe a push service for a day whatever it says of subscriptions, and say so.

    Raises:
        ValueError: Nothing was ever pushed to such an origin.
    """
    keys = [state[:2] for state in queries.all_origins(session) if state.origin == origin]
    if not keys:
        raise ValueError(
            f"Nothing was pushed to {origin} yet. `geoservices push services` names those known."
        )
    until = at + TRUST_FOR
    known = queries.lock_origins(session, keys)
    believed = [one._replace(trusted_until=until, guarded_until=None) for one in known()]
    queries.store_origins(session, believed)
    return f"{origin}: believed until {until:%Y-%m-%d %H:%M} UTC"


def _line(state: OriginState, at: datetime) -> str:
    closed = ""
    if state.closed_until is not None and state.is_closed(at):
        closed = f"  closed until {state.closed_until:%Y-%m-%d %H:%M:%S} UTC."
    return f"{state.origin}  key {state.vapid_key[:SHOWN]}…{closed}  {advice(state, at=at)}"
