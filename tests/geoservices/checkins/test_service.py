"""Check-ins taken in: graded, stored once, announced once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.checkins import queries
from geoservices.checkins.models import CheckIn
from geoservices.checkins.service import (
    CheckInInTheFuture,
    CheckInReport,
    CheckInRules,
    CheckInTooLongAgo,
    Circumstances,
    record,
)
from geoservices.checkins.verification import Doubt, Evidence
from geoservices.codes.links import CodeKind, CodeProblem
from geoservices.codes.service import ScannedCode
from geoservices.errors import IdTaken
from geoservices.geometry.position import Position
from geoservices.outbox import OutboxMessage, Topic
from geoservices.pings.screening import Doors
from geoservices.places.models import Place
from tests.factories import (
    NOON,
    make_code,
    make_device,
    make_organisation,
    make_person,
    make_place,
)

Take = Callable[..., CheckIn]
RULES = CheckInRules(
    doors=Doors(future_tolerance=timedelta(minutes=5), oldest=timedelta(days=7)),
    assumed_accuracy_m=100.0,
    credible_accuracy_m=3.0,
)


@pytest.fixture
def place(session: Session) -> Place:
    """A library."""
    return make_place(session, make_organisation(session))


@pytest.fixture
def device(session: Session) -> UUID:
    """A device's id."""
    return make_device(session, make_person(session))[0].id


@pytest.fixture
def take(session: Session, place: Place, device: UUID) -> Take:
    """Take in a check-in at noon, from five metres inside unless told otherwise."""

    def taken(
        *,
        id_: UUID | None = None,
        device_id: UUID = device,
        at_place: Place = place,
        scanned: ScannedCode | None = None,
        scanned_by: UUID | None = None,
        suspect: bool = False,
        distance_m: float | None = -5.0,
        accuracy_m: float | None = 8.0,
        claimed_at: datetime | None = None,
    ) -> CheckIn:
        return record(
            session,
            CheckInReport(
                id=id_ or uuid4(),
                place_id=at_place.id,
                position=Position(lon=-3.53, lat=50.72, accuracy_m=accuracy_m),
                claimed_at=claimed_at,
            ),
            Circumstances(
                place=at_place,
                distance_m=distance_m,
                scanned=scanned,
                scanned_by=scanned_by,
                suspect=suspect,
            ),
            device_id=device_id,
            rules=RULES,
            at=NOON,
        )

    return taken


def test_a_check_in_is_stored_and_announced(session: Session, take: Take) -> None:
    """Graded by its distance; the position itself is not kept."""
    check_in = take()

    stored = session.scalars(select(CheckIn)).one()
    message = session.scalars(select(OutboxMessage)).one()
    assert (stored.evidence, stored.distance_m, stored.claimed_at) == (Evidence.INSIDE, -5.0, NOON)
    assert (message.topic, message.subject_id) == (Topic.CHECK_IN_MADE, check_in.id)
    assert {"lon", "lat"}.isdisjoint(column.name for column in CheckIn.__table__.columns)


def test_the_same_check_in_again_is_stored_and_announced_once(session: Session, take: Take) -> None:
    """The first record is returned, whatever the phone knows by now."""
    id_ = uuid4()
    first = take(id_=id_)

    again = take(id_=id_, distance_m=900.0)

    assert again.id == first.id
    assert again.evidence == Evidence.INSIDE
    assert len(session.scalars(select(OutboxMessage)).all()) == 1


def test_an_id_that_belongs_to_another_check_in_is_refused(session: Session, take: Take) -> None:
    """Another device's, or the same device's at another place."""
    id_ = uuid4()
    take(id_=id_)
    other = make_device(session, make_person(session))[0].id
    elsewhere = make_place(session, make_organisation(session, "torbay"))

    with pytest.raises(IdTaken):
        take(id_=id_, device_id=other)
    with pytest.raises(IdTaken):
        take(id_=id_, at_place=elsewhere)


@pytest.mark.parametrize(
    ("ago", "evidence"),
    [
        pytest.param(timedelta(minutes=5), Evidence.INSIDE, id="five minutes later"),
        pytest.param(timedelta(minutes=5, seconds=1), Evidence.OFFLINE_CLAIM, id="told too late"),
        pytest.param(-timedelta(minutes=4), Evidence.INSIDE, id="a clock that is fast"),
    ],
)
def test_a_check_in_told_late_proves_nothing(
    take: Take, ago: timedelta, evidence: Evidence
) -> None:
    """It counts as a claim about the past, and never as made in the future."""
    check_in = take(claimed_at=NOON - ago)

    assert check_in.evidence == evidence
    assert check_in.claimed_at == min(NOON - ago, NOON)


def test_a_check_in_from_the_future_is_refused(session: Session, take: Take) -> None:
    """The device's clock is wrong; the refusal says by how much."""
    with pytest.raises(CheckInInTheFuture, match="600 s ahead") as refusal:
        take(claimed_at=NOON + timedelta(minutes=10))

    assert refusal.value.field == "/claimed_at"
    assert session.scalars(select(CheckIn)).all() == []


def test_a_check_in_from_long_ago_is_refused(session: Session, take: Take) -> None:
    """1970 is what a phone says that does not know the time."""
    with pytest.raises(CheckInTooLongAgo) as refusal:
        take(claimed_at=datetime(1970, 1, 1, tzinfo=UTC))

    assert refusal.value.field == "/claimed_at"
    assert session.scalars(select(CheckIn)).all() == []


@pytest.mark.parametrize(
    ("distance_m", "accuracy_m", "evidence"),
    [
        pytest.param(90.0, None, Evidence.NEAR, id="no accuracy is taken for 100 m"),
        pytest.param(90.0, 8.0, Evidence.SELF_DECLARED, id="a good one from there is not"),
        pytest.param(None, 8.0, Evidence.SELF_DECLARED, id="a place without an area"),
    ],
)
def test_the_grade_follows_distance_and_accuracy(
    take: Take, distance_m: float | None, accuracy_m: float | None, evidence: Evidence
) -> None:
    """What the device did not say is assumed, and stored as not said."""
    check_in = take(distance_m=distance_m, accuracy_m=accuracy_m)

    assert check_in.evidence == evidence
    assert check_in.accuracy_m == accuracy_m


@pytest.mark.parametrize(
    ("kind", "evidence"),
    [(CodeKind.STATIC, Evidence.CODE_INSIDE), (CodeKind.ROTATING, Evidence.ROTATING_CODE)],
)
def test_a_code_that_speaks_raises_the_grade(
    session: Session, take: Take, place: Place, kind: CodeKind, evidence: Evidence
) -> None:
    """It is kept which code it was, so that a poster can be told from another."""
    code = make_code(session, place, kind)

    check_in = take(scanned=ScannedCode(code, None))

    assert (check_in.evidence, check_in.code_id, check_in.doubts) == (evidence, code.id, [])


def test_a_code_that_does_not_speak_leaves_the_button(
    session: Session, take: Take, place: Place
) -> None:
    """What was wrong with it is kept, and so is which it was if it is the place's."""
    code = make_code(session, place)
    elsewhere = make_code(session, make_place(session, make_organisation(session, "torbay")))

    revoked = take(scanned=ScannedCode(code, CodeProblem.REVOKED), distance_m=None)
    others = take(scanned=ScannedCode(elsewhere, None))
    unknown = take(scanned=ScannedCode(None, CodeProblem.UNKNOWN))

    assert (revoked.evidence, revoked.code_id) == (Evidence.SELF_DECLARED, code.id)
    assert revoked.doubts == [CodeProblem.REVOKED, Doubt.NOT_MEASURED]
    assert (others.evidence, others.code_id) == (Evidence.INSIDE, None)
    assert others.doubts == [CodeProblem.OTHER_PLACE]
    assert (unknown.evidence, unknown.doubts) == (Evidence.INSIDE, [CodeProblem.UNKNOWN])


def test_a_movement_that_is_not_credible_is_kept_and_refuses_nothing(take: Take) -> None:
    """The position counts for nothing; the person's word stands."""
    check_in = take(suspect=True)

    assert check_in.evidence == Evidence.SELF_DECLARED
    assert check_in.doubts == [Doubt.MOVEMENT_NOT_CREDIBLE]


def test_a_member_of_staff_who_scanned_is_kept(session: Session, take: Take) -> None:
    """Whoever vouches can be asked."""
    member = make_person(session, organisation=make_organisation(session, "torbay"))

    check_in = take(scanned_by=member.id, distance_m=None)

    assert (check_in.evidence, check_in.scanned_by) == (Evidence.STAFF_SCAN, member.id)


def test_a_devices_check_ins_are_read_newest_first_page_by_page(
    session: Session, take: Take, device: UUID
) -> None:
    """The key of the last row of a page begins the next one."""
    made = [take(claimed_at=NOON - timedelta(minutes=minute)) for minute in (3, 1, 2)]

    page = queries.check_ins_of(session, device, after=None, limit=2)
    rest = queries.check_ins_of(session, device, after=(page[-1].claimed_at, page[-1].id), limit=2)

    assert [one.id for one in [*page, *rest]] == [made[1].id, made[2].id, made[0].id]
