"""What is asked of the runs of campaigns, and of those whom they go through."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, any_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.consents import TOLD_ANYWHERE
from geoservices.accounts.models import Consent, Person
from geoservices.bulk_queries import store_unknown
from geoservices.campaigns import deed_queries
from geoservices.campaigns.conditions import Whose
from geoservices.campaigns.definitions import Audience
from geoservices.campaigns.models import Campaign, CampaignVersion
from geoservices.campaigns.occasions import OneOfMany
from geoservices.campaigns.rules import CampaignClass
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.database import among, newest_first
from geoservices.interests.models import Interest
from geoservices.leasing.queries import Queue
from geoservices.members.models import TeamMember

DUE: Final[Queue[UUID]] = Queue(
    row=CampaignRun,
    waiting=CampaignRun.state == CampaignRunState.UNDER_WAY,
    urgent=exists().where(
        Campaign.id == CampaignRun.campaign_id, Campaign.campaign_class == CampaignClass.CRITICAL
    ),
    at_once=2,
)


def insert_new(session: Session, runs: Sequence[CampaignRun]) -> set[UUID]:
    """Store runs unless they were begun before; return the ids of those that were stored."""
    return store_unknown(session, runs)


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


def hold_all(session: Session, run_ids: Collection[UUID]) -> Sequence[UUID]:
    """Hold runs as `hold` does, in the order of their ids; return these."""
    if not run_ids:
        return []
    # In one order, or two jobs that release of the same runs wait for each other.
    return session.scalars(
        select(CampaignRun.id)
        .where(CampaignRun.id.in_(run_ids))
        .order_by(CampaignRun.id)
        .with_for_update(key_share=True)
    ).all()


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
    whose: Whose,
    after: UUID | None,
    at: datetime,
    limit: int,
) -> list[UUID]:
    """Return the ids of the next people that a run goes through, in their order.

    Of the parts of an audience those are asked for that leave most people out.
    """
    wanted = _whom(audience, purpose, whose.organisation_id, after=after)
    wanted = wanted.where(*deed_queries.did_all(audience, whose, at=at))
    return list(session.scalars(wanted.order_by(Person.id).limit(limit)))


def count_next(
    session: Session, audience: Audience, *, purpose: str, whose: Whose, at: datetime
) -> int:
    """Count whom a run goes through, by what they have done by now."""
    wanted = _whom(audience, purpose, whose.organisation_id)
    return _count(session, wanted.where(*deed_queries.did_all(audience, whose, at=at)))


def count_people(
    session: Session, audience: Audience, *, purpose: str, organisation_id: UUID
) -> int:
    """Count whom a run would go through, whatever they did before."""
    return _count(session, _whom(audience, purpose, organisation_id))


def hold_people(session: Session, ids: Collection[UUID]) -> list[OneOfMany]:
    """Return people as they are now, in the order of their ids, held as `lock_people` does."""
    rows = session.execute(
        select(*(getattr(Person, name) for name in OneOfMany._fields))
        .where(among(Person.id, ids))
        .order_by(Person.id)
        .with_for_update(key_share=True)
    )
    return [OneOfMany._make(row) for row in rows]


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


def count_released(session: Session, sent: Mapping[UUID, int]) -> None:
    """Count in runs whom they told after all, of those whom they had held back."""
    for run_id in hold_all(session, sent):
        session.execute(
            update(CampaignRun)
            .where(CampaignRun.id == run_id)
            .values(sent=CampaignRun.sent + sent[run_id], held=CampaignRun.held - sent[run_id])
        )


def _whom(
    audience: Audience, purpose: str, organisation_id: UUID, *, after: UUID | None = None
) -> Select[UUID]:
    """Return the statement for the ids of those whom a run goes through, or of those after one.

    Citizens who did not agree to be told for the purpose wherever they are are nobody's to go
    through; of members the gates say why they were not told.
    """
    versions = [version for of, version in TOLD_ANYWHERE if of == purpose]
    agreed = exists().where(
        Consent.person_id == Person.id,
        Consent.purpose == purpose,
        Consent.text_version.in_(versions),
        Consent.withdrawn_at.is_(None),
        # Or a step would read the consents of all whom those before it have gone through.
        *([] if after is None else [Consent.person_id > after]),
    )
    ways: list[ColumnElement[bool]] = []
    if Role.CITIZEN in audience.roles:
        ways.append((Person.role == Role.CITIZEN) & agreed)
    if members := [role for role in audience.roles if role is not Role.CITIZEN]:
        ways.append((Person.organisation_id == organisation_id) & Person.role.in_(members))
    wanted = select(Person.id).where(Person.disabled_at.is_(None), or_(*ways))
    if after is not None:
        wanted = wanted.where(Person.id > after)
    if audience.team_ids:
        in_team = select(TeamMember.person_id).where(TeamMember.team_id.in_(audience.team_ids))
        wanted = wanted.where(Person.id.in_(in_team))
    if audience.skills:
        wanted = wanted.where(or_(*(any_(Person.skills) == one for one in audience.skills)))
    if audience.interests:
        interested = select(Interest.person_id).where(
            Interest.organisation_id == organisation_id, Interest.topic.in_(audience.interests)
        )
        wanted = wanted.where(Person.id.in_(interested))
    return wanted


def _count(session: Session, whom: Select[UUID]) -> int:
    return session.scalars(select(func.count()).select_from(whom.subquery())).one()
