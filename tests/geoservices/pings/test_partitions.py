"""Partitions: made before they are needed, dropped when all they hold is old enough."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device
from geoservices.database import SessionFactory, make_session_factory, transaction
from geoservices.instants import microseconds
from geoservices.pings import queries
from geoservices.pings.columns import Pings, id_column
from geoservices.pings.models import Ping
from geoservices.pings.partitions import AHEAD, Partition, plan
from geoservices.pings.service import keep_partitions
from tests.factories import make_device, make_person
from tests.walking import FAR, ping

DAY = timedelta(days=1)
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
RETENTIONS = st.sampled_from([timedelta(minutes=5), timedelta(hours=1), DAY, 7 * DAY, 400 * DAY])


@given(times=st.lists(TIMES, min_size=1, max_size=5).map(sorted), retentions=st.lists(RETENTIONS))
def test_there_is_always_a_partition_and_never_two(
    times: list[datetime], retentions: list[timedelta]
) -> None:
    """Whenever the job runs, and however the retention changes meanwhile."""
    there: list[Partition] = []
    for at, retention in zip(times, [*retentions, *[DAY] * 5], strict=False):
        wanted = plan(there, at=at, retention=retention)
        there = sorted({*there, *wanted.missing} - set(wanted.over))

        assert all(one.end <= at - retention for one in wanted.over)
        assert sum(one.start <= at < one.end for one in there) == 1
        assert all(before.end <= after.start for before, after in pairwise(there))
        assert plan(there, at=at, retention=retention).missing == []


def test_partitions_are_a_24th_of_the_retention_but_an_hour_at_least() -> None:
    """A day's hold an hour, a month's a day."""
    hours = plan([], at=NOON, retention=DAY).missing
    days = plan([], at=NOON, retention=30 * DAY).missing

    assert [one.end - one.start for one in hours] == [timedelta(hours=1)] * (AHEAD + 1)
    assert [one.end - one.start for one in days] == [DAY] * (AHEAD + 1)


@pytest.fixture
def sessions(owner: Engine) -> SessionFactory:
    """Sessions that truly commit; partitions are the whole database's."""
    return make_session_factory(owner)


@pytest.fixture
def device(sessions: SessionFactory) -> Device:
    """A phone."""
    with transaction(sessions) as session:
        return make_device(session, make_person(session))[0]


def store(session: Session, device: Device, at: datetime) -> None:
    """Store a ping that arrives at an instant."""
    pings = Pings.of([ping(0, FAR)])
    ids = id_column([device.id])
    queries.insert(session, pings, devices=ids, signs=pings.ids[:, 0] * 0, at_us=microseconds(at))


def test_what_came_too_early_is_moved_and_what_is_old_goes(
    sessions: SessionFactory, device: Device
) -> None:
    """Nothing is lost where no partition was made in time, and nothing stays too long."""
    try:
        with transaction(sessions) as session:
            store(session, device, NOON)
        first = keep_partitions(sessions, at=NOON, retention=DAY)
        with transaction(sessions) as session:
            assert session.scalar(text("SELECT count(*) FROM pings_default")) == 0
            store(session, device, NOON + timedelta(hours=2))
            assert session.scalar(text("SELECT count(*) FROM pings_default")) == 0
        again = keep_partitions(sessions, at=NOON, retention=DAY)
        later = keep_partitions(sessions, at=NOON + timedelta(hours=25), retention=DAY)
        with sessions() as session:
            left = session.scalars(select(Ping.received_at)).all()

        assert (first.made, first.dropped) == (AHEAD + 1, 0)
        assert (again.made, again.dropped) == (0, 0)
        assert later.dropped == 1
        assert left == [NOON + timedelta(hours=2)]
    finally:
        with transaction(sessions) as session:
            for one in queries.partitions(session):
                queries.drop_partition(session, one)
            session.execute(text("TRUNCATE pings_default"))
            session.execute(text("TRUNCATE devices, people CASCADE"))


def test_a_partition_that_is_read_is_left_for_later(
    sessions: SessionFactory, device: Device
) -> None:
    """A backup does not keep the rest from going."""
    try:
        keep_partitions(sessions, at=NOON, retention=DAY)
        with transaction(sessions) as session:
            device_row = session.get_one(Device, device.id)
            device_row.fix_at, device_row.fix_lon, device_row.fix_lat = NOON, -3.5, 50.7
        with sessions() as reader:
            reader.execute(text("SELECT count(*) FROM pings"))
            kept = keep_partitions(sessions, at=NOON + 2 * DAY, retention=DAY)
        with sessions() as session:
            fix = session.scalars(select(Device.fix_lon)).all()

        assert kept.waiting > 0
        assert fix == [None]
    finally:
        with transaction(sessions) as session:
            for one in queries.partitions(session):
                queries.drop_partition(session, one)
            session.execute(text("TRUNCATE devices, people CASCADE"))


def test_a_late_ping_is_not_looked_up_among_what_arrived_long_before(
    sessions: SessionFactory,
) -> None:
    """What did not exist yet cannot have been stored then, so a month costs no more than a day."""
    scans = text("SELECT relname, seq_scan + coalesce(idx_scan, 0) FROM pg_stat_xact_user_tables")
    try:
        for days in (3, 0):
            keep_partitions(sessions, at=NOON - days * DAY, retention=30 * DAY)
        with transaction(sessions) as session:
            there = sorted(queries.partitions(session))
            # What this connection has not told the statistics yet is among them.
            before: dict[str, int] = dict(session.execute(scans).all())
            queries.stored(
                session, [(uuid4(), NOON, uuid4())], future_tolerance=timedelta(minutes=5)
            )
            after: dict[str, int] = dict(session.execute(scans).all())
        looked = [after[one.name] > before[one.name] for one in there]

        assert looked == [one.end > NOON for one in there]
        assert not all(looked)
    finally:
        with transaction(sessions) as session:
            for one in queries.partitions(session):
                queries.drop_partition(session, one)


def test_names_say_what_is_inside() -> None:
    """Whoever looks at the tables sees from when until when."""
    assert Partition(NOON, NOON + timedelta(hours=1)).name == "pings_20260304_1200_20260304_1300"
