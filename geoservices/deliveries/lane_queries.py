"""Which deliveries are handed out: single ones at once, those of many as there is room for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import UNFINISHED

MOST_UNDER_WAY: Final = 1000
"""So many deliveries of broadcasts are with the workers at the same time, or waiting for them."""
LEAST_PACE: Final = timedelta(seconds=1)
"""And some more go out this long after the last ones, even if none of those has come back."""


@dataclass(slots=True)
class SingleLane:
    """What somebody is told because of what they did, or that is critical."""

    def hand_out(
        self, session: Session, *, at: datetime, lease: timedelta, limit: int
    ) -> list[UUID]:
        """Take up to `limit` due deliveries, earliest first, and make them due after the lease."""
        return _take_due(session, broadcast=False, at=at, lease=lease, limit=limit)

    def put_back(self, session: Session, ids: Sequence[UUID], *, at: datetime) -> None:
        """Make deliveries due at once: they could not be handed to anyone."""
        _put_back(session, ids, at)


@dataclass(slots=True)
class BroadcastLane:
    """What many are told alike: there is always room before it for what is single.

    Whatever is handed out waits at the broker in the order in which it came. So little of a
    broadcast waits there that what comes after it is soon dealt with.
    """

    last_at: datetime | None = None

    def hand_out(
        self, session: Session, *, at: datetime, lease: timedelta, limit: int
    ) -> list[UUID]:
        """Take up to `limit` due deliveries, earliest first, if few others are under way."""
        free = MOST_UNDER_WAY - _under_way(session, at=at, lease=lease)
        # What a push service puts off for seconds over and over must not hold up the others.
        if free < limit and self.last_at is not None and at - self.last_at < LEAST_PACE:
            return []
        taken = _take_due(session, broadcast=True, at=at, lease=lease, limit=limit)
        if taken:
            self.last_at = at
        return taken

    def put_back(self, session: Session, ids: Sequence[UUID], *, at: datetime) -> None:
        """Make deliveries due at once: they could not be handed to anyone."""
        _put_back(session, ids, at)


def _take_due(
    session: Session, *, broadcast: bool, at: datetime, lease: timedelta, limit: int
) -> list[UUID]:
    return outbox.take_due(
        session,
        Delivery.id,
        Delivery.due_at,
        waiting=(Delivery.broadcast == broadcast) & Delivery.state.in_(UNFINISHED),
        first=Delivery.due_at,
        at=at,
        lease=lease,
        limit=limit,
    )


def _under_way(session: Session, *, at: datetime, lease: timedelta) -> int:
    """Count the deliveries of broadcasts that a lease may run for, up to as many as may."""
    leased = (
        select(Delivery.id)
        .where(
            Delivery.broadcast,
            Delivery.state.in_(UNFINISHED),
            Delivery.due_at > at,
            Delivery.due_at <= at + lease,
        )
        .limit(MOST_UNDER_WAY)
        .subquery()
    )
    return session.scalars(select(func.count()).select_from(leased)).one()


def _put_back(session: Session, ids: Sequence[UUID], at: datetime) -> None:
    free = (
        select(Delivery.id)
        .where(Delivery.id.in_(ids), Delivery.state.in_(UNFINISHED))
        .with_for_update(skip_locked=True)
    )
    session.execute(update(Delivery).where(Delivery.id.in_(free)).values(due_at=at))
