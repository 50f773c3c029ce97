"""Pings recorded: a verdict for each, stored once, followed in order."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Device
from geoservices.geometry.position import Position
from geoservices.instants import instant, microseconds
from geoservices.pings import queries
from geoservices.pings.columns import Pings
from geoservices.pings.models import Ping
from geoservices.pings.screening import LOOKS_SWAPPED, REFUSALS, Doors, PingReport, Verdict
from geoservices.pings.service import VERDICTS, Recorded, record
from geoservices.settings.presence import PresenceSettings
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


def recorded(session: Session, device: UUID, *reports: PingReport, at: datetime = NOON) -> Recorded:
    """Record one device's pings."""
    return recorded_of(session, *((device, one) for one in reports), at=at)


def recorded_of(
    session: Session, *reports: tuple[UUID, PingReport], at: datetime = NOON
) -> Recorded:
    """Record pings, each with its device."""
    held = accounts.hold_devices(session, {device for device, _report in reports})
    places = [device.id for device in held]
    pings = Pings.of([report for _device, report in reports])
    return record(
        session,
        pings,
        np.array([places.index(device) for device, _report in reports], dtype=np.intp),
        held,
        doors=DOORS,
        presence=PresenceSettings(),
        beforehand=np.where(pings.lon > 0, LOOKS_SWAPPED, 0).astype(np.uint8),
        at=at,
    )


def verdicts(done: Recorded) -> list[Verdict]:
    """The verdicts alone."""
    return [VERDICTS[number] for number in done.verdicts]


def last_seen_at(session: Session, device: UUID) -> datetime | None:
    """Up to when the device was followed."""
    asked = select(Device.followed_until).where(Device.id == device)
    return session.scalars(asked).one()


def test_each_ping_has_its_verdict_in_the_order_given(session: Session, device: UUID) -> None:
    """Good, refused and late ones in one batch: none harms another."""
    recorded(session, device, report(-100))

    done = recorded(session, device, report(-10), report(900), report(-200), report(-5, lon=50.7))

    assert verdicts(done) == [ACCEPTED, REFUSED, LATE, REFUSED]
    assert [REFUSALS[number - 1].code for number in done.refusals if number] == [
        "recorded-in-the-future",
        "position-looks-swapped",
    ]
    assert len(session.scalars(select(Ping)).all()) == 3


def test_a_batch_in_any_order_is_followed_in_order_of_time(session: Session, device: UUID) -> None:
    """A phone may send its store backwards; nothing of it is late."""
    done = recorded(session, device, report(-10), report(-30), report(-20))

    assert verdicts(done) == [ACCEPTED] * 3
    assert done.sightings.pings.tolist() == [1, 2, 0]
    assert last_seen_at(session, device) == NOON - timedelta(seconds=10)


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
    assert done.sightings.pings.tolist() == [0]
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

    done = recorded_of(
        session,
        (device, report(-20, id_=id_)),
        (other, report(-20, id_=id_)),
        (device, report(-30)),
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
    assert done.sightings.pings.tolist() == []


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
    session.execute(text("SET LOCAL ROLE none"))
    queries.prune_default(session, received_before=NOON + timedelta(minutes=1))
    queries.forget_old_fixes(session, before=NOON, limit=10)

    again = recorded(session, device, first, at=NOON + timedelta(days=2))

    assert verdicts(again) == [LATE]
    assert again.sightings.pings.tolist() == []


def test_a_late_ping_is_stored_once_however_often_it_comes(session: Session, device: UUID) -> None:
    """What is older than what was followed is looked up among what is stored."""
    recorded(session, device, report(0))
    late = report(-3600)

    done = [verdicts(recorded(session, device, late, report(-1800))) for _ in range(2)]

    assert done == [[LATE, LATE], [REPEATED, LATE]]
    assert len(session.scalars(select(Ping)).all()) == 4


def test_a_late_ping_of_a_clock_that_is_ahead_is_known_again(
    session: Session, device: UUID
) -> None:
    """It came before its own time, and is looked up there."""
    ahead = int(DOORS.future_tolerance.total_seconds())
    recorded(session, device, report(ahead))
    late = report(ahead - 1)

    done = [verdicts(recorded(session, device, late)) for _ in range(2)]

    assert done == [[LATE], [REPEATED]]


def test_positions_are_forgotten_by_device_and_by_age(session: Session, device: UUID) -> None:
    """Forgetting takes one device's; the last position goes by its age, and the time stays."""
    other = make_device(session, make_person(session))[0].id
    recorded(session, device, report(-10))
    recorded(session, other, report(-10))

    queries.forget(session, [device], at=NOON)
    gone = queries.forget_old_fixes(session, before=NOON, limit=10)

    assert gone == 1
    assert session.scalars(select(Ping.device_id)).all() == [other]
    assert last_seen_at(session, device) == NOON
    assert last_seen_at(session, other) == NOON - timedelta(seconds=10)
    assert session.scalars(select(Device.fix_lon)).all() == [None, None]


def test_what_a_phone_does_not_say_is_stored_as_unknown(session: Session, device: UUID) -> None:
    """Each optional number by itself, in one batch of many shapes."""
    reports = [
        PingReport(
            id=uuid4(),
            recorded_at=NOON + timedelta(seconds=number),
            position=Position(lon=-3.5, lat=50.7, accuracy_m=5.5 if number & 1 else None),
            speed_mps=1.25 if number & 2 else None,
            heading_deg=90.0 if number & 4 else None,
        )
        for number in range(8)
    ]

    recorded(session, device, *reports)

    stored = session.scalars(select(Ping).order_by(Ping.recorded_at)).all()
    assert [
        (one.id, one.recorded_at, one.lon, one.lat, one.accuracy_m, one.speed_mps, one.heading_deg)
        for one in stored
    ] == [
        (
            one.id,
            one.recorded_at,
            -3.5,
            50.7,
            one.position.accuracy_m,
            one.speed_mps,
            one.heading_deg,
        )
        for one in reports
    ]
    assert {one.received_at for one in stored} == {NOON}
    assert {one.device_id for one in stored} == {device}


def test_instants_keep_their_microseconds() -> None:
    """From the first century to the last, as columns of numbers hold them."""
    for year in (1, 1969, 1970, 2026, 9999):
        at = datetime(year, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
        assert instant(microseconds(at)) == at
