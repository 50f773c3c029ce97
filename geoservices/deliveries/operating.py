"""What operators see of push services, and the one thing that they may say of them."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from geoservices.deliveries import origin_queries
from geoservices.deliveries.origins import OriginState, advice
from geoservices.push.vapid import short_key

TRUSTED_FOR: Final = timedelta(days=1)


def report(session: Session, *, at: datetime) -> str:
    """Say how each push service stands under each of our keys, a line each."""
    states = origin_queries.origins(session)
    return "\n".join(_line(state, at) for state in states) or "Nothing was pushed yet."


def trust(session: Session, origin: str, *, at: datetime) -> str:
    """Believe a push service for a day when it says that subscriptions have ended.

    Raises:
        ValueError: Nothing was ever pushed there.
    """
    until = at + TRUSTED_FOR
    keys = [state[:2] for state in origin_queries.origins(session) if state.origin == origin]
    if not keys:
        raise ValueError(f"Nothing was ever pushed to {origin}. Name it as it is listed.")
    known = origin_queries.lock_origins(session, keys)
    trusted = [one._replace(trusted_until=until, guarded_until=None) for one in known()]
    origin_queries.store_origins(session, trusted)
    return f"{origin}: what it says of ended subscriptions is believed until {_clock(until)}"


def _line(state: OriginState, at: datetime) -> str:
    closed = ""
    if state.closed_until is not None and state.is_closed(at):
        closed = f" Closed until {_clock(state.closed_until)}."
    return f"{state.origin}  key {short_key(state.vapid_key)}  {advice(state, at=at)}{closed}"


def _clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
