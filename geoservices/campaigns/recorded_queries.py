"""What is asked of the visits and check-ins that there were, to say what a campaign would do."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Uuid,
    and_,
    case,
    exists,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts.models import Consent, Device, Person, Purpose
from geoservices.campaigns.cooldowns import Spot
from geoservices.campaigns.drafts import Draft
from geoservices.campaigns.estimating import Recorded
from geoservices.campaigns.place_queries import is_for
from geoservices.campaigns.queries import teams_of
from geoservices.campaigns.rules import Trigger
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import CONFIDENCE
from geoservices.interests.queries import interested
from geoservices.places.models import Place
from geoservices.visits.models import Transition, Visit

MOST = 200_000
"""Of what happened, the newest so many count; a council has fewer in a week."""


def recorded(session: Session, draft: Draft, grant: Grant, *, since: datetime) -> list[Recorded]:
    """Return what people did since an instant that would have set a campaign off, oldest first.

    It is of those who agree now to its purpose and to being counted, at places of the
    organisation's own: what people do at a partner's is the partner's. Nothing is kept of
    sensitive places.
    """
    definition = draft.said.definition
    there = is_for(draft.places, grant) & (Place.organisation_id == grant.organisation_id)
    agreed = and_(*map(_agreed, (draft.said.purpose, Purpose.STATISTICS)))
    ours = Person.disabled_at.is_(None) & (
        Person.organisation_id.is_(None) | (Person.organisation_id == grant.organisation_id)
    )
    who = (
        Place.id.label("place_id"),
        Place.parent_id,
        Person.id.label("person_id"),
        Person.role,
        Person.language,
        Person.skills,
    )
    passed = (
        select(
            Transition.occurred_at.label("at"),
            Visit.exited_at,
            Transition.confidence,
            Visit.id.label("visit_id"),
            *who,
        )
        .join(Visit, Visit.id == Transition.visit_id)
        .join(Place, Place.id == Transition.place_id)
        .join(Device, Device.id == Transition.device_id)
        .join(Person, Person.id == Device.person_id)
        .where(
            there,
            Transition.kind.in_(definition.triggers),
            Transition.occurred_at > since,
            agreed,
            ours,
        )
    )
    confidence: ColumnElement[int] = sql_cast(
        case({one.value: least for one, least in CONFIDENCE.items()}, value=CheckIn.evidence),
        Integer,
    )
    no_visit: ColumnElement[UUID | None] = sql_cast(null(), Uuid)
    said = (
        select(CheckIn.claimed_at.label("at"), CheckIn.claimed_at, confidence, no_visit, *who)
        .join(Place, Place.id == CheckIn.place_id)
        .join(Device, Device.id == CheckIn.device_id)
        .join(Person, Person.id == Device.person_id)
        .where(
            and_(
                there,
                CheckIn.claimed_at > since,
                literal(Trigger.CHECKED_IN in definition.triggers),
            ),
            agreed,
            ours,
        )
    )
    both = union_all(passed, said).subquery()
    rows = session.execute(select(both).order_by(both.c.at.desc()).limit(MOST)).all()
    teams = (
        teams_of(session, {row.person_id for row in rows}) if definition.audience.team_ids else {}
    )
    owner, topics = grant.organisation_id, definition.audience.interests
    people = {row.person_id for row in rows}
    interests = interested(session, people, [owner], topics) if topics else {}
    return [
        Recorded(
            person_id=row.person_id,
            spot=Spot(place_id=row.place_id, parent_id=row.parent_id),
            occurred_at=row.at,
            left_at=row.exited_at,
            confidence=row.confidence,
            role=row.role,
            language=row.language or draft.organisation.language,
            team_ids=teams.get(row.person_id, frozenset()),
            skills=row.skills,
            interests=interests.get((row.person_id, owner), ()),
            visit_id=row.visit_id,
        )
        for row in reversed(rows)
    ]


def _agreed(purpose: str) -> ColumnElement[bool]:
    return exists().where(
        Consent.person_id == Person.id,
        Consent.purpose == purpose,
        Consent.withdrawn_at.is_(None),
    )
