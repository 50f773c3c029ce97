"""Pings recorded: a verdict for each, stored once, followed in order."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.geometry.position import Position
from geoservices.pings import queries
from geoservices.pings.models import Ping
from geoservices.pings.screening import Doors, PingReport, Verdict
from geoservices.pings.service import Recorded, in_order, record
from tests.factories import NOON, make_device, make_person

DOORS = Doors(future_tolerance=timedelta(minutes=5), oldest=timedelta(days=7))
ACCEPTED, LATE, REPEATED, _NOT_KEPT, REFUSED = Verdict


@pytest.fixture
def device(session: Session) -> UUID:
    """A device's id."""
    return make_device(session, make_person(session))[0].id


def report(second: float, *, id_: UUID | None = None, lon: float = -3.53) -> PingReport:
    """A ping so many seconds before or after noon."""
    return PingReport(
        id=id_ or uuid4(),
        recorded_at=NOON + timedelta(seconds=second),
        position=Position(lon=lon, lat=50.72, accuracy_m=8),
    )


def recorded(
    session: Session, device: UUID, *reports: PingReport, at: datetime = NOON
) -> list[Recorded]:
    """Record one device's pings."""
    return record(
        session,
        [(device, one) for one in reports],
        doors=DOORS,
        looks_swapped=lambda position: position.lon > 0,
        at=at,
    )


def verdicts(done: list[Recorded]) -> list[Verdict]:
    """The verdicts alone."""
    return [one.verdict for one in done]


def last_seen_at(session: Session, device: UUID) -> datetime | None:
    """The newest followed ping of the device."""
    return queries.last_seen(session, [device]).get(device)


def test_each_ping_has_its_verdict_in_the_order_given(session: Session, device: UUID) -> None:
    """Good, refused and late ones in one batch: none harms another."""
    recorded(session, device, report(-100))

    done = recorded(session, device, report(-10), report(900), report(-200), report(-5, lon=50.7))

    assert verdicts(done) == [ACCEPTED, REFUSED, LATE, REFUSED]
    assert [one.refusal.code for one in done if one.refusal] == [
        "recorded-in-the-future",
        "position-looks-swapped",
    ]
    assert len(session.scalars(select(Ping)).all()) == 3


def test_a_batch_in_any_order_is_followed_in_order_of_time(session: Session, device: UUID) -> None:
    """A phone may send its store backwards; nothing of it is late."""
    done = recorded(session, device, report(-10), report(-30), report(-20))

    assert verdicts(done) == [ACCEPTED] * 3
    assert [one.report.recorded_at for one in in_order(done)] == [
        NOON - timedelta(seconds=second) for second in (30, 20, 10)
    ]
    assert last_seen_at(session, device) == NOON - timedelta(seconds=10)


def test_only_the_very_first_ping_of_a_device_is_first(session: Session, device: UUID) -> None:
    """First in time, whatever its place in the batch."""
    done = recorded(session, device, report(-10), report(-30))
    later = recorded(session, device, report(-5))

    assert [one.first for one in done] == [False, True]
    assert [one.first for one in later] == [False]


def test_the_same_ping_again_is_repeated(session: Session, device: UUID) -> None:
    """Within a batch and in the next one; it is stored once."""
    ping = report(-10)

    done = recorded(session, device, ping, ping)
    again = recorded(session, device, ping)

    assert verdicts(done) == [ACCEPTED, REPEATED]
    assert verdicts(again) == [REPEATED]
    assert len(session.scalars(select(Ping)).all()) == 1


def test_of_two_pings_with_one_id_and_time_the_first_counts(session: Session, device: UUID) -> None:
    """What is stored, remembered and followed is one and the same position."""
    id_ = uuid4()

    done = recorded(
        session, device, report(-10, id_=id_, lon=-3.50), report(-10, id_=id_, lon=-3.59)
    )

    assert verdicts(done) == [ACCEPTED, REPEATED]
    assert [one.report.position.lon for one in in_order(done)] == [-3.50]
    assert session.scalars(select(Ping.lon)).all() == [-3.50]


def test_the_same_id_at_another_time_is_another_ping(session: Session, device: UUID) -> None:
    """A phone that counts from one after each start loses nothing."""
    id_ = uuid4()

    done = recorded(session, device, report(-20, id_=id_), report(-10, id_=id_))

    assert verdicts(done) == [ACCEPTED, ACCEPTED]
    assert len(session.scalars(select(Ping)).all()) == 2


def test_of_two_pings_at_the_same_instant_one_is_followed(session: Session, device: UUID) -> None:
    """Both are stored; time alone cannot say which came last."""
    done = recorded(session, device, report(-10), report(-10))

    assert sorted(verdicts(done)) == [ACCEPTED, LATE]
    assert len(session.scalars(select(Ping)).all()) == 2


def test_devices_in_one_batch_do_not_touch_each_other(session: Session, device: UUID) -> None:
    """Each has its own order, its own newest ping and its own ids."""
    other = make_device(session, make_person(session))[0].id
    recorded(session, other, report(-5))
    id_ = uuid4()

    done = record(
        session,
        [(device, report(-20, id_=id_)), (other, report(-20, id_=id_)), (device, report(-30))],
        doors=DOORS,
        looks_swapped=lambda _position: False,
        at=NOON,
    )

    assert verdicts(done) == [ACCEPTED, LATE, ACCEPTED]
    assert last_seen_at(session, device) == NOON - timedelta(seconds=20)
    assert last_seen_at(session, other) == NOON - timedelta(seconds=5)


def test_a_batch_of_nothing_but_refusals_stores_nothing(session: Session, device: UUID) -> None:
    """The device stays unknown."""
    done = recorded(session, device, report(900))

    assert verdicts(done) == [REFUSED]
    assert session.scalars(select(Ping)).all() == []
    assert last_seen_at(session, device) is None
    assert in_order(done) == []


def test_a_thousand_pings_take_a_handful_of_statements(
    session: Session, device: UUID, statements: list[str]
) -> None:
    """The number of statements does not depend on the number of pings."""
    recorded(session, device, *(report(-second) for second in range(1000)))

    assert len(statements) <= 4


def test_a_ping_sent_again_after_its_position_was_deleted_changes_nothing(
    session: Session, device: UUID
) -> None:
    """Positions go after a day; that they were followed is remembered."""
    first = report(-10)
    recorded(session, device, first)
    queries.prune(session, received_before=NOON + timedelta(minutes=1), limit=100)

    again = recorded(session, device, first, at=NOON + timedelta(days=2))

    assert verdicts(again) == [LATE]
    assert in_order(again) == []


def test_positions_are_forgotten_by_device_and_by_age(session: Session, device: UUID) -> None:
    """Forgetting takes one device's; pruning whatever arrived before an instant."""
    other = make_device(session, make_person(session))[0].id
    recorded(session, device, report(-10))
    recorded(session, other, report(-10))
    recorded(session, other, report(3600), at=NOON + timedelta(hours=1))

    queries.forget(session, [device])
    gone = queries.prune(session, received_before=NOON + timedelta(minutes=1), limit=100)

    assert gone == 1
    assert len(session.scalars(select(Ping)).all()) == 1
    assert last_seen_at(session, device) is None
    assert last_seen_at(session, other) == NOON + timedelta(hours=1)


def test_a_backlog_goes_a_bit_at_a_time(session: Session, device: UUID) -> None:
    """No more than asked in one go, and in the end everything old."""
    recorded(session, device, *(report(-second) for second in range(25)))
    later = NOON + timedelta(minutes=1)

    gone = [queries.prune(session, received_before=later, limit=10) for _ in range(4)]

    assert gone == [10, 10, 5, 0]
