"""That pushes to many wait while a run still goes through those whom it tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.leasing.queries import Paced

MOST_MEANWHILE: Final = 100
"""So many go out at once while a run goes through people."""


@dataclass(frozen=True, slots=True, eq=False)
class BehindRuns:
    """The queue of what many are told, which keeps to its least pace while a run goes on.

    Soon all that a run tells is to have been queued. Pushes to those who were queued first would
    have it wait for a worker, and whoever is told by themselves too.
    """

    paced: Paced[UUID]

    def hand_out(
        self, session: Session, *, at: datetime, lease: timedelta, limit: int
    ) -> list[UUID]:
        """Take due deliveries as the queue does; few of them, and none too soon, during a run."""
        if _run_goes_on(session):
            if self.paced.went_lately(at) or _waits_at_broker(session, at=at, lease=lease):
                return []
            limit = min(limit, MOST_MEANWHILE)
        return self.paced.hand_out(session, at=at, lease=lease, limit=limit)

    def put_back(self, session: Session, ids: Sequence[UUID], *, at: datetime) -> None:
        """Make deliveries due at once: they could not be handed to anyone."""
        self.paced.put_back(session, ids, at=at)


def _run_goes_on(session: Session) -> bool:
    """Tell whether a run goes through people, and does not fail at it."""
    going_on = exists().where(
        CampaignRun.state == CampaignRunState.UNDER_WAY, CampaignRun.attempt_count == 0
    )
    return session.scalars(select(going_on)).one()


def _waits_at_broker(session: Session, *, at: datetime, lease: timedelta) -> bool:
    """Tell whether no worker has begun yet with deliveries of broadcasts that were handed out."""
    handed_out = exists().where(
        Delivery.broadcast,
        Delivery.state == DeliveryState.QUEUED,
        Delivery.attempt_count == 0,
        # What a worker has put off, as its push service is closed, is with nobody.
        Delivery.reason.is_(None),
        Delivery.due_at > at,
        Delivery.due_at <= at + lease,
    )
    return session.scalars(select(handed_out)).one()
