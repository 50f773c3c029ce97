"""That pushes to many give way: to what is single, and to a run that still queues them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.leasing.queries import LEAST_PACE, Paced

MOST_MEANWHILE: Final = 50
"""So many go out at once while a run goes through people."""


@dataclass(frozen=True, slots=True, eq=False)
class GivingWay:
    """The queue of what many are told, of which no more waits at the broker than has to.

    Whatever comes to the broker next is done after what waits there. So the next job goes there
    when a worker has begun with the last, or when that has waited for as long as the least pace:
    it may have been lost.

    While a run goes through people the queue keeps to that pace: all that the run tells is soon to
    have been queued. Pushes to those who were queued first would have it wait for a worker, and
    whoever is told by themselves too.
    """

    paced: Paced[UUID]

    def hand_out(
        self, session: Session, *, at: datetime, lease: timedelta, limit: int
    ) -> list[UUID]:
        """Take due deliveries as the queue does, unless some wait at the broker; few in a run."""
        lately, goes_on = self.paced.went_lately(at), _run_goes_on(session)
        if goes_on and lately:
            return []
        since = at - (lease if goes_on else LEAST_PACE)
        if (goes_on or lately) and _waits_at_broker(session, since=since, at=at, lease=lease):
            return []
        most = min(limit, MOST_MEANWHILE) if goes_on else limit
        return self.paced.hand_out(session, at=at, lease=lease, limit=most)

    def is_due(self, at: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Return the condition that any delivery is due at an instant."""
        return self.paced.is_due(at)

    def put_back(self, session: Session, ids: Sequence[UUID], *, at: datetime) -> None:
        """Make deliveries due at once: they could not be handed to anyone."""
        self.paced.put_back(session, ids, at=at)


def _run_goes_on(session: Session) -> bool:
    """Tell whether a run goes through people, and does not fail at it."""
    going_on = exists().where(
        CampaignRun.state == CampaignRunState.UNDER_WAY, CampaignRun.attempt_count == 0
    )
    return session.scalars(select(going_on)).one()


def _waits_at_broker(session: Session, *, since: datetime, at: datetime, lease: timedelta) -> bool:
    """Tell whether none has begun with deliveries of broadcasts handed out after an instant."""
    handed_out = exists().where(
        Delivery.broadcast,
        Delivery.state == DeliveryState.QUEUED,
        Delivery.attempt_count == 0,
        # What a worker has put off, as its push service is closed, is with nobody.
        Delivery.reason.is_(None),
        Delivery.due_at > since + lease,
        Delivery.due_at <= at + lease,
    )
    return session.scalars(select(handed_out)).one()
