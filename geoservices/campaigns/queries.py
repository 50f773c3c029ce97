"""What is asked of campaigns and their decisions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, or_, select, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts.models import Device
from geoservices.campaigns.cooldowns import Spot
from geoservices.campaigns.models import Campaign, CampaignVersion, Decision
from geoservices.campaigns.pacing import Telling
from geoservices.campaigns.rules import CampaignClass
from geoservices.checkins.models import CheckIn
from geoservices.database import among, newest_first
from geoservices.listings.models import Listing
from geoservices.members.models import Team, TeamMember
from geoservices.places.access_queries import reached
from geoservices.places.models import Place
from geoservices.visits.models import Transition, Visit
from geoservices.visits.transitions import Phase


class OfVisit(NamedTuple):
    """Of which visit a transition is, and whether that goes on."""

    visit_id: UUID
    goes_on: bool


VersionKey = tuple[UUID, int]
"""A campaign, and the number of one of its versions."""


def insert_if_new(session: Session, campaign: Campaign) -> bool:
    """Store a campaign unless its id is known; tell whether it was stored."""
    row = {column.key: getattr(campaign, column.key) for column in Campaign.__table__.columns}
    stored = session.execute(
        insert(Campaign).values(row).on_conflict_do_nothing().returning(Campaign.id)
    )
    return stored.first() is not None


def newest_version(session: Session, campaign: Campaign) -> CampaignVersion:
    """Return the version that a campaign has now."""
    return session.get_one(CampaignVersion, (campaign.id, campaign.version))


def newest_versions(
    session: Session, campaigns: Sequence[Campaign]
) -> list[tuple[Campaign, CampaignVersion]]:
    """Return each campaign with the version that it has now."""
    found = session.scalars(
        select(CampaignVersion)
        .join(
            Campaign,
            (Campaign.id == CampaignVersion.campaign_id)
            & (Campaign.version == CampaignVersion.number),
        )
        .where(Campaign.id.in_({campaign.id for campaign in campaigns}))
    )
    versions = {version.campaign_id: version for version in found}
    return [(campaign, versions[campaign.id]) for campaign in campaigns]


def definitions_of(
    session: Session, versions: Iterable[VersionKey]
) -> dict[VersionKey, Mapping[str, Any]]:
    """Return what versions define, by campaign and number."""
    wanted = set(versions)
    rows = session.execute(
        select(
            CampaignVersion.campaign_id, CampaignVersion.number, CampaignVersion.definition
        ).where(
            among(CampaignVersion.campaign_id, {campaign_id for campaign_id, _ in wanted}),
            among(CampaignVersion.number, {number for _, number in wanted}),
        )
    )
    return {(campaign_id, number): definition for campaign_id, number, definition in rows}


def not_over(
    session: Session, organisation_id: UUID, *, at: datetime
) -> list[tuple[Campaign, CampaignVersion]]:
    """Return an organisation's scheduled and live campaigns, with the version of now."""
    published = session.scalars(
        select(Campaign).where(
            Campaign.organisation_id == organisation_id,
            Campaign.published_at.is_not(None),
            or_(Campaign.ended_at.is_(None), Campaign.ended_at > at),
        )
    ).all()
    return [
        (campaign, version)
        for campaign, version in newest_versions(session, published)
        if version.ends_at is None or version.ends_at > at
    ]


def versions_of(
    session: Session, campaign_id: UUID, *, before: int | None, limit: int
) -> Sequence[CampaignVersion]:
    """Return a campaign's versions, the newest first; only those before a number, if told."""
    statement = select(CampaignVersion).where(CampaignVersion.campaign_id == campaign_id)
    if before is not None:
        statement = statement.where(CampaignVersion.number < before)
    return session.scalars(statement.order_by(CampaignVersion.number.desc()).limit(limit)).all()


def hold(session: Session, campaign: Campaign) -> None:
    """Have whoever else changes a campaign wait until the transaction ends.

    Whoever decides does not wait: each decision refers to its campaign.
    """
    session.refresh(campaign, with_for_update={"key_share": True})


def teams_of(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Return in which teams people are."""
    rows = session.execute(
        select(TeamMember.person_id, func.array_agg(TeamMember.team_id))
        .where(among(TeamMember.person_id, person_ids))
        .group_by(TeamMember.person_id)
    )
    return {person_id: frozenset(team_ids) for person_id, team_ids in rows}


def found_teams(session: Session, ids: Iterable[UUID], organisation_id: UUID) -> set[UUID]:
    """Return those of the teams that are the organisation's."""
    return set(
        session.scalars(
            select(Team.id).where(among(Team.id, ids), Team.organisation_id == organisation_id)
        )
    )


def came_since(
    session: Session, person_ids: Iterable[UUID], place_ids: Iterable[UUID], *, since: datetime
) -> dict[tuple[UUID, UUID], list[datetime]]:
    """Return when people came to places, by visit or check-in, by person and place."""
    people, places = list(person_ids), list(place_ids)
    visited = (
        select(Device.person_id, Visit.place_id, Visit.entered_at)
        .join(Device, Device.id == Visit.device_id)
        .where(
            among(Device.person_id, people),
            among(Visit.place_id, places),
            Visit.phase != Phase.ARRIVING,
            Visit.entered_at > since,
        )
    )
    checked_in = (
        select(Device.person_id, CheckIn.place_id, CheckIn.claimed_at)
        .join(Device, Device.id == CheckIn.device_id)
        .where(
            among(Device.person_id, people),
            among(CheckIn.place_id, places),
            CheckIn.claimed_at > since,
        )
    )
    found: dict[tuple[UUID, UUID], list[datetime]] = {}
    for person_id, place_id, came_at in session.execute(union_all(visited, checked_in)):
        found.setdefault((person_id, place_id), []).append(came_at)
    return found


def told_to(
    session: Session,
    person_ids: Iterable[UUID],
    *,
    since: datetime,
    by: Iterable[UUID] = (),
    by_since: datetime | None = None,
    on: Iterable[UUID] = (),
) -> list[Telling]:
    """Return what people were told since an instant, the earliest first.

    Args:
        session: The transaction.
        person_ids: Whom.
        since: What any campaign told them.
        by: Campaigns of which more is wanted: what they told because of visits that go on.
        by_since: And whatever they told since this.
        on: And because of these visits, whether or not they go on.
    """
    # By itself, so that it is found by the people: a campaign may have told a hundred thousand.
    told = (
        select(
            Decision.person_id,
            Decision.campaign_id,
            Decision.place_id,
            Decision.transition_id,
            Decision.decided_at,
            among(Decision.campaign_id, by).label("by"),
        )
        .where(
            among(Decision.person_id, person_ids),
            Decision.gate.is_(None),
            or_(Decision.decided_at > since, among(Decision.campaign_id, by)),
        )
        .cte("told")
        .prefix_with("MATERIALIZED")
    ).c
    going_on = Visit.exited_at.is_(None) & Visit.id.is_not(None)
    wanted = going_on | among(Visit.id, on)
    lately = wanted if by_since is None else wanted | (told.decided_at > by_since)
    rows = session.execute(
        select(
            told.person_id,
            told.campaign_id,
            Campaign.campaign_class,
            told.place_id,
            Place.parent_id,
            told.decided_at,
            going_on,
            Visit.id,
        )
        .join(Campaign, Campaign.id == told.campaign_id)
        .outerjoin(Place, Place.id == told.place_id)
        .outerjoin(Transition, Transition.id == told.transition_id)
        .outerjoin(Visit, Visit.id == Transition.visit_id)
        .where(or_(told.decided_at > since, told.by & lately))
        .order_by(told.decided_at)
    )
    return [
        Telling(
            person_id=person_id,
            campaign_id=campaign_id,
            campaign_class=CampaignClass(class_),
            spot=Spot(place_id=place_id, parent_id=parent_id),
            told_at=told_at,
            visit_goes_on=goes_on,
            visit_id=visit_id,
        )
        for person_id, campaign_id, class_, place_id, parent_id, told_at, goes_on, visit_id in rows
    ]


def visits_of(session: Session, transition_ids: Iterable[UUID]) -> dict[UUID, OfVisit]:
    """Return of which visits transitions are, by transition."""
    rows = session.execute(
        select(Transition.id, Visit.id, Visit.exited_at.is_(None))
        .join(Visit, Visit.id == Transition.visit_id)
        .where(among(Transition.id, transition_ids))
    )
    return {transition_id: OfVisit(visit_id, goes_on) for transition_id, visit_id, goes_on in rows}


def decided_already(
    session: Session, transition_ids: Iterable[UUID], check_in_ids: Iterable[UUID]
) -> set[tuple[UUID, UUID]]:
    """Return the pairs of campaign and occasion that were decided before."""
    rows = session.execute(
        select(
            Decision.campaign_id, func.coalesce(Decision.transition_id, Decision.check_in_id)
        ).where(
            among(Decision.transition_id, transition_ids)
            | among(Decision.check_in_id, check_in_ids)
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
        .outerjoin(Listing, Listing.id == Campaign.listing_id)
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


def decisions_by_id(session: Session, ids: Iterable[UUID]) -> dict[UUID, Decision]:
    """Return decisions by their ids."""
    found = session.scalars(select(Decision).where(among(Decision.id, ids)))
    return {decision.id: decision for decision in found}
