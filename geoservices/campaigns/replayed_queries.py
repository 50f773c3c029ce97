"""What is asked of the visits and check-ins that there were, to say what a campaign would do.

It is of those who agree to be counted, and agreed before they came, at places of the
organisation's own: what people do at a partner's is the partner's. Nothing is kept of sensitive
places, nor is what there was before they were marked looked at.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    String,
    and_,
    case,
    exists,
    func,
    literal,
    null,
    select,
    union,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased
from sqlalchemy.types import DateTime

from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Consent, Device, Person, Purpose
from geoservices.campaigns.conditions import Whose, subject_of
from geoservices.campaigns.deed_queries import deeds
from geoservices.campaigns.definitions import Audience, Condition
from geoservices.campaigns.drafts import Draft
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.place_queries import is_for
from geoservices.campaigns.queries import teams_of
from geoservices.campaigns.replayed import Key, Note, Profile, Recorded
from geoservices.campaigns.rules import Limits, Trigger
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import CONFIDENCE
from geoservices.database import among, driver
from geoservices.interests.queries import interested
from geoservices.places.models import Place
from geoservices.visits.models import Transition, Visit
from geoservices.visits.transitions import Phase, TransitionKind

Rows = Select[
    datetime, datetime, str, int, Key, Key | None, datetime | None, Key | None, str | None
]
"""As `Recorded` has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Which records are looked at: those of a draft's places, from `since` until `until`.

    Messages of the campaign's own do not count, and none are looked at that are of places where
    the grant does not.
    """

    draft: Draft
    campaign_id: UUID
    grant: Grant
    since: datetime
    until: datetime
    limits: Limits

    @property
    def whose(self) -> Whose:
        """Which campaign, and of which organisation."""
        return Whose(self.campaign_id, self.grant.organisation_id)


def stream(session: Session, records: Records, *, at_once: int) -> Iterator[Sequence[Recorded]]:
    """Yield what happened in the order in which it became known, so many at once.

    Visits count that began since then, with all that became of them.
    """
    definition = records.draft.said.definition
    parts = [_passed(records), _told(records)]
    if Trigger.CHECKED_IN in definition.triggers:
        parts.append(_checked_in(records))
    if definition.audience.visited is not None:
        parts.extend(_came(records, definition.audience.visited_within))
    parts.extend(_did(records, condition) for condition in set(definition.audience.conditions))
    every = union_all(*parts).subquery()
    is_note = every.c.kind.in_(list(Note))
    statement = select(every).order_by(every.c.known_at, is_note.desc(), every.c.occurred_at)
    asked = statement.compile(
        dialect=session.connection().dialect, compile_kwargs={"render_postcompile": True}
    )
    # SQLAlchemy's rows take several times as long to make as the driver's own.
    with driver(session).cursor(name="recorded", binary=True) as cursor:
        cursor.execute(asked.string.encode(), asked.params)
        while some := cursor.fetchmany(at_once):
            yield list(map(Recorded._make, some))


def prepare(session: Session, *, time_limit: timedelta) -> None:
    """Let the transaction's statements take longer than others', and sort in memory."""
    limit = str(int(time_limit.total_seconds() * 1000))
    session.execute(
        select(
            func.set_config("statement_timeout", limit, True),
            func.set_config("work_mem", "64MB", True),
        )
    )


def profiles(
    session: Session,
    person_ids: Collection[UUID],
    *,
    language: str,
    audience: Audience,
    owner: UUID,
) -> dict[UUID, Profile]:
    """Return what is known of people now.

    Args:
        session: The session.
        person_ids: Who they are.
        language: Of those who chose none.
        audience: Says whether their teams and interests are asked for.
        owner: Of which organisation's topics.
    """
    if not person_ids:
        return {}
    purposes = accounts.purposes_of(session, person_ids)
    teams = teams_of(session, person_ids) if audience.team_ids else {}
    topics = audience.interests
    interests = interested(session, person_ids, [owner], topics) if topics else {}
    rows = session.execute(
        select(
            Person.id,
            Person.role,
            Person.language,
            Person.skills,
            Person.time_zone,
            Person.quiet_from,
            Person.quiet_until,
        ).where(among(Person.id, person_ids))
    )
    return {
        person_id: Profile(
            role=role,
            language=own or language,
            team_ids=teams.get(person_id, frozenset()),
            skills=skills,
            purposes=frozenset(purposes.get(person_id, ())),
            time_zone=time_zone,
            quiet_from=quiet_from,
            quiet_until=quiet_until,
            interests=interests.get((person_id, owner), ()),
        )
        for person_id, role, own, skills, time_zone, quiet_from, quiet_until in rows
    }


def count_partners_places(session: Session, draft: Draft, grant: Grant) -> int:
    """Count the places of partners that a campaign is for: nothing there is looked at."""
    asked = select(func.count()).where(
        is_for(draft.places, grant), Place.organisation_id != grant.organisation_id
    )
    return session.scalars(asked).one()


def _passed(records: Records) -> Rows:
    left = aliased(Transition)
    triggers = records.draft.said.definition.triggers
    return (
        select(
            Transition.detected_at.label("known_at"),
            Transition.occurred_at.label("occurred_at"),
            Transition.kind.label("kind"),
            Transition.confidence.label("confidence"),
            _key(Person.id).label("person"),
            _key(Transition.place_id).label("place"),
            left.detected_at.label("left_at"),
            _key(Visit.id).label("subject"),
            _no(String).label("what"),
        )
        .select_from(Visit)
        .join(Transition, Transition.visit_id == Visit.id)
        .outerjoin(left, (left.visit_id == Visit.id) & (left.kind == TransitionKind.EXITED))
        .join(Device, Device.id == Visit.device_id)
        .join(Person, Person.id == Device.person_id)
        .join(Consent, _counted(records, Visit.entered_at))
        .where(
            Visit.place_id.in_(_places(records)),
            Visit.entered_at > records.since,
            Transition.kind.in_(triggers),
            Transition.detected_at <= records.until,
        )
    )


def _checked_in(records: Records) -> Rows:
    confidence: ColumnElement[int] = sql_cast(
        case({one.value: least for one, least in CONFIDENCE.items()}, value=CheckIn.evidence),
        Integer,
    )
    return (
        select(
            CheckIn.received_at,
            CheckIn.claimed_at,
            literal(Trigger.CHECKED_IN.value),
            confidence,
            _key(Person.id),
            _key(CheckIn.place_id),
            _no_instant(),
            _no(LargeBinary),
            _no(String),
        )
        .select_from(CheckIn)
        .join(Device, Device.id == CheckIn.device_id)
        .join(Person, Person.id == Device.person_id)
        .join(Consent, _counted(records, CheckIn.claimed_at))
        .where(
            CheckIn.place_id.in_(_places(records)),
            CheckIn.received_at > records.since,
            CheckIn.received_at <= records.until,
        )
    )


def _told(records: Records) -> Rows:
    """Return what other campaigns told those who came, as far as it counts towards their caps.

    It is known with what caused it: of all that speak on one occasion, this one speaks last.
    """
    return (
        select(
            func.coalesce(Transition.detected_at, CheckIn.received_at, Decision.decided_at),
            Decision.decided_at,
            literal(Note.TOLD.value),
            literal(0),
            _key(Decision.person_id),
            _key(Decision.place_id),
            _no_instant(),
            _key(Decision.campaign_id),
            Campaign.campaign_class,
        )
        .join(Campaign, Campaign.id == Decision.campaign_id)
        .outerjoin(Transition, Transition.id == Decision.transition_id)
        .outerjoin(CheckIn, CheckIn.id == Decision.check_in_id)
        .where(
            Decision.gate.is_(None),
            Decision.campaign_id != records.campaign_id,
            Decision.decided_at > records.since - records.limits.longest,
            Decision.decided_at <= records.until,
            Decision.person_id.in_(_people(records)),
        )
    )


def _came(records: Records, within: timedelta) -> Sequence[Rows]:
    visited = (
        select(
            Visit.entered_at,
            Visit.entered_at,
            literal(Note.CAME.value),
            literal(0),
            _key(Device.person_id),
            _key(Visit.place_id),
            _no_instant(),
            _no(LargeBinary),
            _no(String),
        )
        .join(Device, Device.id == Visit.device_id)
        .where(
            Visit.phase != Phase.ARRIVING,
            Visit.place_id.in_(_places(records)),
            Visit.entered_at > records.since - within,
            Device.person_id.in_(_people(records)),
        )
    )
    checked_in = (
        select(
            CheckIn.claimed_at,
            CheckIn.claimed_at,
            literal(Note.CAME.value),
            literal(0),
            _key(Device.person_id),
            _key(CheckIn.place_id),
            _no_instant(),
            _no(LargeBinary),
            _no(String),
        )
        .join(Device, Device.id == CheckIn.device_id)
        .where(
            CheckIn.place_id.in_(_places(records)),
            CheckIn.claimed_at > records.since - within,
            Device.person_id.in_(_people(records)),
        )
    )
    return visited, checked_in


def _did(records: Records, condition: Condition) -> Rows:
    """Return who came and did what a condition asks for, before or then, with what it is of."""
    found = deeds(condition, records.whose, places=_places(records)).subquery()
    return select(
        found.c.known_at,
        found.c.at,
        literal(Note.DID.value),
        literal(0),
        _key(found.c.person_id),
        _no(LargeBinary),
        _no_instant(),
        literal(subject_of(condition, records.whose).bytes, LargeBinary),
        literal(condition.did.value),
    ).where(
        found.c.at > records.since - condition.within,
        found.c.known_at <= records.until,
        found.c.person_id.in_(_people(records)),
    )


def _people(records: Records) -> Select[UUID]:
    """Return who came and is counted."""
    there = union(
        select(Visit.device_id).where(
            Visit.place_id.in_(_places(records)), Visit.entered_at > records.since
        ),
        select(CheckIn.device_id).where(
            CheckIn.place_id.in_(_places(records)), CheckIn.received_at > records.since
        ),
    ).subquery()
    return (
        select(Person.id)
        .join(Device, Device.person_id == Person.id)
        .join(there, there.c.device_id == Device.id)
        .where(
            _ours(records.grant),
            exists().where(
                Consent.person_id == Person.id,
                Consent.purpose == Purpose.STATISTICS,
                Consent.withdrawn_at.is_(None),
            ),
        )
    )


def _counted(records: Records, came_at: InstrumentedAttribute[datetime]) -> ColumnElement[bool]:
    return and_(
        Consent.person_id == Person.id,
        Consent.purpose == Purpose.STATISTICS,
        Consent.withdrawn_at.is_(None),
        Consent.given_at <= came_at,
        _ours(records.grant),
    )


def _ours(grant: Grant) -> ColumnElement[bool]:
    return Person.disabled_at.is_(None) & (
        Person.organisation_id.is_(None) | (Person.organisation_id == grant.organisation_id)
    )


def _places(records: Records) -> Select[UUID]:
    return select(Place.id).where(
        is_for(records.draft.places, records.grant),
        Place.organisation_id == records.grant.organisation_id,
        Place.sensitive_at.is_(None),
    )


def _key(
    id_: ColumnElement[UUID] | InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None],
) -> ColumnElement[Key]:
    return func.uuid_send(id_)


def _no(kind: type[Any]) -> ColumnElement[Any]:
    return sql_cast(null(), kind)


def _no_instant() -> ColumnElement[Any]:
    return sql_cast(null(), DateTime(timezone=True))
