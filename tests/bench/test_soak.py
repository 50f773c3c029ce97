"""The soak's partitions: the intake goes from one to the next, and an old one is dropped."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from sqlalchemy import Engine, text

from bench.ingest_soak import RETENTION, SPAN, lengths_s, make_partitions
from geoservices.database import SessionFactory, make_session_factory, transaction
from geoservices.pings import queries
from geoservices.pings.service import keep_partitions
from tests.factories import make_device, make_person

NOON = datetime(2026, 3, 4, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def sessions(owner: Engine) -> SessionFactory:
    """Sessions that truly commit; partitions are the whole database's."""
    return make_session_factory(owner)


def test_partitions_change_while_the_soak_lasts(
    sessions: SessionFactory, database_url: str
) -> None:
    """Every two minutes another one; what is pruned is the old one, with all its pings."""
    try:
        with transaction(sessions) as session:
            make_device(session, make_person(session))
        with psycopg.connect(database_url, autocommit=True) as connection:
            make_partitions(sessions, connection, minutes=10, at=NOON)
        with transaction(sessions) as session:
            before = queries.partitions(session)
            old = session.scalar(text("SELECT count(*) FROM pings"))
            stray = session.scalar(text("SELECT count(*) FROM pings_default"))

        during = [one for one in before if NOON < one.end <= NOON + timedelta(minutes=10)]
        kept = keep_partitions(sessions, at=NOON + timedelta(minutes=1), retention=RETENTION)

        assert (old, stray) == (50, 0)
        assert len(during) == timedelta(minutes=10) / SPAN
        assert kept.dropped == 1
        assert kept.made > 0
        with transaction(sessions) as session:
            assert session.scalar(text("SELECT count(*) FROM pings")) == 0
            after = sorted(queries.partitions(session))
        assert all(a.end == b.start for a, b in pairwise(after))
    finally:
        with transaction(sessions) as session:
            for one in queries.partitions(session):
                queries.drop_partition(session, one)
            session.execute(text("TRUNCATE devices, people CASCADE"))


@pytest.mark.parametrize(("minutes", "parts"), [(1, 5), (10, 10)])
def test_a_soak_is_told_minute_by_minute(minutes: float, parts: int) -> None:
    """A short one in fifths."""
    lengths = lengths_s(minutes)

    assert len(lengths) == parts
    assert sum(lengths) == pytest.approx(minutes * 60)
