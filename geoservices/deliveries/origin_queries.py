"""What is asked of push services."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from psycopg import sql
from sqlalchemy import delete
from sqlalchemy.orm import Session

from geoservices.arrays import Instants, Texts
from geoservices.deliveries.models import PushOrigin
from geoservices.deliveries.origins import OriginState
from geoservices.trips import ask, insert_rows

ORIGIN_COLUMNS = sql.SQL(", ").join(map(sql.Identifier, OriginState._fields))
CLOSED_ORIGINS = (
    sql.SQL("SELECT {} FROM push_origins WHERE closed_until > ($1)[1]")
    .format(ORIGIN_COLUMNS)
    .as_bytes(None)
)
ALL_ORIGINS = (
    sql.SQL("SELECT {} FROM push_origins ORDER BY origin, vapid_key")
    .format(ORIGIN_COLUMNS)
    .as_bytes(None)
)
LOCK_ORIGINS = (
    sql.SQL(
        """
    SELECT {} FROM push_origins
    WHERE (origin, vapid_key) IN (SELECT * FROM unnest($1, $2))
    ORDER BY origin, vapid_key FOR NO KEY UPDATE
    """
    )
    .format(ORIGIN_COLUMNS)
    .as_bytes(None)
)


def closed_origins(session: Session, *, after: datetime) -> Callable[[], list[OriginState]]:
    """Return the push services that are closed, or were until after an instant."""
    return ask(session, CLOSED_ORIGINS, Instants.listed([after]), make=OriginState._make)


def lock_origins(
    session: Session, keys: Collection[tuple[str, str]]
) -> Callable[[], list[OriginState]]:
    """Lock push services, each by its origin and our key, in that order; new ones are not there."""
    origins, vapid_keys = zip(*keys, strict=True)
    listed = (Texts.listed(origins), Texts.listed(vapid_keys))
    return ask(session, LOCK_ORIGINS, *listed, make=OriginState._make)


def origins(session: Session) -> list[OriginState]:
    """Return how every push service stands, by origin and key."""
    return ask(session, ALL_ORIGINS, make=OriginState._make)()


def forget_idle_origins(session: Session, *, since: datetime) -> int:
    """Delete push services that were neither counted nor closed since; tell how many."""
    idle = (PushOrigin.counted_from < since) & (
        PushOrigin.closed_until.is_(None) | (PushOrigin.closed_until < since)
    )
    gone = session.scalars(delete(PushOrigin).where(idle).returning(PushOrigin.origin))
    return len(gone.all())


def store_origins(session: Session, states: Sequence[OriginState]) -> None:
    """Store how push services stand."""
    key = ("origin", "vapid_key")
    insert_rows(session, PushOrigin.__tablename__, states, replacing=key)
