"""What is asked of the runs of campaigns, and of those whom they go through."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, any_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.access.rights import Role
from geoservices.accounts.consents import TOLD_ANYWHERE
from geoservices.accounts.models import Consent, Person
from geoservices.campaigns.definitions import Audience
from geoservices.campaigns.models import Campaign, CampaignVersion
from geoservices.campaigns.rules import CampaignClass
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.database import newest_first
from geoservices.members.models import TeamMember

AT_ONCE = 2
"""So many runs are gone through at the same time, however many wait."""


def insert_new(session: Session, runs: Sequence[CampaignRun]) -> set[UUID]:
    """Store runs unless they were begun before; return the ids of those that were stored."""
    if not runs:
        return set()
    columns = CampaignRun.__table__.columns.keys()
    rows = [{name: getattr(run, name) for name in columns} for run in runs]
    stored = session.scalars(
        insert(CampaignRun).values(rows).on_conflict_do_nothing().returning(CampaignRun.id)
    )
    return set(stored)


def run_by_id(session: Session, run_id: UUID) -> CampaignRun | None:
    """Return a run as the database has it now."""
    return session.get(CampaignRun, run_id, populate_existing=True)


def campaign_of(session: Session, run: CampaignRun) -> tuple[Campaign, CampaignVersion]:
    """Return a run's campaign, and the version that began it."""
    return (
        session.get_one(Campaign, run.campaign_id),
        session.get_one(CampaignVersion, (run.campaign_id, run.version)),
    )


def hold(session: Session, run_id: UUID) -> CampaignRun | None:
    """Return a run that nobody else changes until the transaction ends."""
    return session.scalars(
        select(CampaignRun)
        .where(CampaignRun.id == run_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def runs_of(
    session: Session, campaign_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[CampaignRun]:
    """Return a campaign's runs, newest first."""
    statement = select(CampaignRun).where(CampaignRun.campaign_id == campaign_id)
    page = newest_first(statement, CampaignRun.created_at, CampaignRun.id, after=after, limit=limit)
    return session.scalars(page).all()


def begun_since(
    session: Session, campaign_ids: Collection[UUID], *, since: datetime
) -> dict[UUID, list[datetime]]:
    """Return when each campaign began runs after an instant, but for those passed over."""
    rows = session.execute(
        select(CampaignRun.campaign_id, CampaignRun.created_at).where(
            CampaignRun.campaign_id.in_(campaign_ids),
            CampaignRun.created_at > since,
            CampaignRun.state != CampaignRunState.PASSED_OVER,
        )
    )
    found: dict[UUID, list[datetime]] = {}
    for campaign_id, created_at in rows:
        found.setdefault(campaign_id, []).append(created_at)
    return found


def next_people(
    session: Session,
    audience: Audience,
    *,
    purpose: str,
    organisation_id: UUID,
    after: UUID | None,
    limit: int,
) -> list[UUID]:
    """Return the ids of the next people that a run goes through, in their order.

    Of the parts of an audience those are asked for that leave most people out.
    """
    wanted = _whom(audience, purpose, organisation_id)
    if after is not None:
        wanted = wanted.where(Person.id > after)
    return list(session.scalars(wanted.order_by(Person.id).limit(limit)))


def count_people(
    session: Session, audience: Audience, *, purpose: str, organisation_id: UUID
) -> int:
    """Count whom a run would go through."""
    whom = _whom(audience, purpose, organisation_id).subquery()
    return session.scalars(select(func.count()).select_from(whom)).one()


def people_by_id(session: Session, ids: Iterable[UUID]) -> Sequence[Person]:
    """Return people as they are now, in the order of their ids."""
    return session.scalars(
        select(Person)
        .where(Person.id.in_(set(ids)))
        .order_by(Person.id)
        .execution_options(populate_existing=True)
    ).all()


def hold_due(
    session: Session, *, at: datetime, limit: int
) -> list[tuple[Campaign, CampaignVersion]]:
    """Return the versions whose timetable has a run due, held; what others hold is left out."""
    rows = session.execute(
        select(Campaign, CampaignVersion)
        .join(Campaign, Campaign.id == CampaignVersion.campaign_id)
        .where(CampaignVersion.runs_next_at <= at)
        .order_by(CampaignVersion.runs_next_at)
        .limit(limit)
        .with_for_update(of=CampaignVersion, skip_locked=True, key_share=True)
    )
    return [(campaign, version) for campaign, version in rows]


def hand_out(session: Session, *, at: datetime, lease: timedelta, limit: int) -> list[UUID]:
    """Take due runs unless enough are gone through: critical ones if there are any, or others.

    Of these, those first that have waited longest.
    """
    leased = select(func.count()).where(
        CampaignRun.state == CampaignRunState.UNDER_WAY,
        CampaignRun.due_at > at,
        CampaignRun.due_at <= at + lease,
    )
    free = AT_ONCE - session.scalars(leased).one()
    if free <= 0:
        return []
    is_critical = exists().where(
        Campaign.id == CampaignRun.campaign_id,
        Campaign.campaign_class == CampaignClass.CRITICAL,
    )
    for which in (is_critical, ~is_critical):
        taken = outbox.take_due(
            session,
            CampaignRun.id,
            CampaignRun.due_at,
            waiting=(CampaignRun.state == CampaignRunState.UNDER_WAY) & which,
            first=CampaignRun.due_at,
            at=at,
            lease=lease,
            limit=min(limit, free),
        )
        if taken:
            return taken
    return []


def put_back(session: Session, ids: Sequence[UUID], *, at: datetime) -> None:
    """Make runs due at once: they could not be handed to anyone."""
    session.execute(
        update(CampaignRun)
        .where(CampaignRun.id.in_(ids), CampaignRun.state == CampaignRunState.UNDER_WAY)
        .values(due_at=at)
    )


def _whom(audience: Audience, purpose: str, organisation_id: UUID) -> Select[UUID]:
    """Return the statement for the ids of those whom a run goes through.

    Citizens who did not agree to be told for the purpose wherever they are are nobody's to go
    through; of members the gates say why they were not told.
    """
    versions = [version for of, version in TOLD_ANYWHERE if of == purpose]
    agreed = exists().where(
        Consent.person_id == Person.id,
        Consent.purpose == purpose,
        Consent.text_version.in_(versions),
        Consent.withdrawn_at.is_(None),
    )
    ways: list[ColumnElement[bool]] = []
    if Role.CITIZEN in audience.roles:
        ways.append((Person.role == Role.CITIZEN) & agreed)
    if members := [role for role in audience.roles if role is not Role.CITIZEN]:
        ways.append((Person.organisation_id == organisation_id) & Person.role.in_(members))
    wanted = select(Person.id).where(Person.disabled_at.is_(None), or_(*ways))
    if audience.team_ids:
        in_team = select(TeamMember.person_id).where(TeamMember.team_id.in_(audience.team_ids))
        wanted = wanted.where(Person.id.in_(in_team))
    if audience.skills:
        wanted = wanted.where(or_(*(any_(Person.skills) == one for one in audience.skills)))
    return wanted
