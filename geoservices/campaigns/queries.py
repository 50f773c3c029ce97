"""What is asked of campaigns and their decisions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.rules import CampaignClass
from geoservices.database import newest_first
from geoservices.listings.models import Listing
from geoservices.places.access_queries import reached
from geoservices.visits.models import Transition, Visit


def insert_if_new(session: Session, campaign: Campaign) -> bool:
    """Store a campaign unless its id is known; tell whether it was stored."""
    row = {column.key: getattr(campaign, column.key) for column in Campaign.__table__.columns}
    stored = session.execute(
        insert(Campaign).values(row).on_conflict_do_nothing().returning(Campaign.id)
    )
    return stored.first() is not None


def listening_to(
    session: Session, place_ids: Iterable[UUID], *, at: datetime
) -> Sequence[tuple[Campaign, Listing]]:
    """Return the campaigns that are on at the places, each with the listing it speaks of."""
    rows = session.execute(
        select(Campaign, Listing)
        .join(Listing, Listing.id == Campaign.listing_id)
        .where(
            Listing.place_id.in_(set(place_ids)),
            Campaign.published_at <= at,
            Campaign.ended_at.is_(None) | (Campaign.ended_at > at),
        )
        .order_by(Campaign.published_at, Campaign.id)
    )
    return list(rows)


def told_since(session: Session, person_ids: Iterable[UUID], *, since: datetime) -> dict[UUID, int]:
    """Count the messages that count towards each person's cap and were sent since an instant."""
    rows = session.execute(
        select(Decision.person_id, func.count())
        .join(Campaign, Campaign.id == Decision.campaign_id)
        .where(
            Decision.person_id.in_(set(person_ids)),
            Decision.gate.is_(None),
            Decision.decided_at > since,
            Campaign.campaign_class != CampaignClass.CRITICAL,
        )
        .group_by(Decision.person_id)
    )
    return dict(rows.all())


def last_told(
    session: Session, campaign_ids: Iterable[UUID], person_ids: Iterable[UUID]
) -> dict[tuple[UUID, UUID], Decision]:
    """Return the newest decision by which each campaign told each person something."""
    found = session.scalars(
        select(Decision)
        .ext(distinct_on(Decision.campaign_id, Decision.person_id))
        .where(
            Decision.campaign_id.in_(set(campaign_ids)),
            Decision.person_id.in_(set(person_ids)),
            Decision.gate.is_(None),
        )
        .order_by(Decision.campaign_id, Decision.person_id, Decision.decided_at.desc())
    )
    return {(decision.campaign_id, decision.person_id): decision for decision in found}


def of_open_visits(session: Session, transition_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the transitions whose visit still goes on."""
    return set(
        session.scalars(
            select(Transition.id)
            .join(Visit, Visit.id == Transition.visit_id)
            .where(Transition.id.in_(set(transition_ids)), Visit.exited_at.is_(None))
        )
    )


def decided_already(
    session: Session, transition_ids: Iterable[UUID], check_in_ids: Iterable[UUID]
) -> set[tuple[UUID, UUID]]:
    """Return the pairs of campaign and occasion that were decided before."""
    rows = session.execute(
        select(
            Decision.campaign_id, func.coalesce(Decision.transition_id, Decision.check_in_id)
        ).where(
            Decision.transition_id.in_(set(transition_ids))
            | Decision.check_in_id.in_(set(check_in_ids))
        )
    )
    return set(rows)


def of_organisation(
    session: Session,
    grant: Grant,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Campaign]:
    """Return an organisation's campaigns within reach, newest first."""
    statement = (
        select(Campaign)
        .join(Listing, Listing.id == Campaign.listing_id)
        .where(Campaign.organisation_id == grant.organisation_id, reached(Listing.place_id, grant))
    )
    page = newest_first(statement, Campaign.created_at, Campaign.id, after=after, limit=limit)
    return session.scalars(page).all()


def end_all(session: Session, place_id: UUID, organisation_id: UUID, *, at: datetime) -> int:
    """End the campaigns that an organisation has published at a place; return how many."""
    there = select(Listing.id).where(
        Listing.place_id == place_id, Listing.organisation_id == organisation_id
    )
    ended = session.scalars(
        update(Campaign)
        .where(
            Campaign.listing_id.in_(there),
            Campaign.published_at.is_not(None),
            Campaign.ended_at.is_(None),
        )
        .values(ended_at=at)
        .returning(Campaign.id)
    )
    return len(ended.all())


def campaign_by_id(session: Session, campaign_id: UUID) -> Campaign | None:
    """Return a campaign."""
    return session.get(Campaign, campaign_id)


def decisions_of_person(
    session: Session,
    person_id: UUID,
    *,
    held: bool | None = None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Decision]:
    """Return what was decided about a person, newest first; all, or only what was held or sent."""
    statement = select(Decision).where(Decision.person_id == person_id)
    if held is not None:
        statement = statement.where(Decision.gate.is_not(None) if held else Decision.gate.is_(None))
    page = newest_first(statement, Decision.decided_at, Decision.id, after=after, limit=limit)
    return session.scalars(page).all()


def decisions_of_campaign(
    session: Session, campaign_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Decision]:
    """Return what a campaign decided, newest first."""
    statement = select(Decision).where(Decision.campaign_id == campaign_id)
    page = newest_first(statement, Decision.decided_at, Decision.id, after=after, limit=limit)
    return session.scalars(page).all()


def decisions_by_id(session: Session, ids: Iterable[UUID]) -> dict[UUID, Decision]:
    """Return decisions by their ids."""
    found = session.scalars(select(Decision).where(Decision.id.in_(set(ids))))
    return {decision.id: decision for decision in found}


def gates_of_campaign(session: Session, campaign_id: UUID) -> dict[str | None, int]:
    """Count a campaign's decisions by the gate that held them; None counts those sent."""
    rows = session.execute(
        select(Decision.gate, func.count())
        .where(Decision.campaign_id == campaign_id)
        .group_by(Decision.gate)
    )
    return dict(rows.all())
