"""What is asked of replays."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.campaigns.lifecycle import ReplayState
from geoservices.campaigns.models import CampaignVersion
from geoservices.campaigns.replay_models import CampaignReplay
from geoservices.database import newest_first

UNDER_WAY = CampaignReplay.state.in_((ReplayState.QUEUED, ReplayState.WORKING))


def insert_if_new(session: Session, asked: CampaignReplay) -> CampaignReplay | None:
    """Store a replay and return it; None if its id is known."""
    row = {
        column.key: getattr(asked, column.key)
        for column in CampaignReplay.__table__.columns
        if column.default is None or column.primary_key
    }
    stored = session.scalars(
        insert(CampaignReplay).values(row).on_conflict_do_nothing().returning(CampaignReplay)
    )
    return stored.one_or_none()


def replay_by_id(session: Session, replay_id: UUID) -> CampaignReplay | None:
    """Return a replay."""
    return session.get(CampaignReplay, replay_id)


def under_way(session: Session, campaign_id: UUID) -> CampaignReplay | None:
    """Return the replay of a campaign that is not over."""
    return session.scalars(
        select(CampaignReplay).where(CampaignReplay.campaign_id == campaign_id, UNDER_WAY)
    ).one_or_none()


def replays_of(
    session: Session,
    campaign_id: UUID,
    grant: Grant,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[CampaignReplay]:
    """Return a page of a campaign's replays, newest first, that looked at no more than a reach."""
    statement = select(CampaignReplay).where(CampaignReplay.campaign_id == campaign_id)
    if grant.actor.reach is not None:
        statement = statement.where(CampaignReplay.reach == grant.actor.reach.stored())
    page = newest_first(
        statement, CampaignReplay.asked_at, CampaignReplay.id, after=after, limit=limit
    )
    return session.scalars(page).all()


def version_of(session: Session, campaign_id: UUID, number: int) -> CampaignVersion | None:
    """Return a version of a campaign."""
    return session.get(CampaignVersion, (campaign_id, number))


def cancel(session: Session, replay_id: UUID, *, at: datetime) -> None:
    """End a replay that is not over; whoever works on it notices."""
    session.execute(
        update(CampaignReplay)
        .where(CampaignReplay.id == replay_id, UNDER_WAY)
        .values(state=ReplayState.CANCELLED, done_at=at, leased_until=None)
    )
