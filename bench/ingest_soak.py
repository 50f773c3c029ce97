"""The soak: the same load for minutes, through checkpoints, autovacuum and changing partitions.

Partitions of `pings` are two minutes long here, so that the intake goes from one to the next again
and again. Meanwhile the service's own pruning makes those that come later, and drops one full of
old pings. Checkpoints come every two minutes.
"""

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg

from bench.database import database_server
from bench.ingest_cases import CALM, DEVICES, STEPS
from bench.ingest_load import Load
from bench.ingest_service import Application
from bench.ingest_stage import stage
from bench.report import Figure
from bench.world import make_pings
from geoservices import clock
from geoservices.database import (
    DatabaseRole,
    SessionFactory,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.pings.partitions import Partition
from geoservices.pings.queries import make_partition
from geoservices.pings.service import Kept, keep_partitions

GEOFENCES = 100_000
CONNECTIONS = 64
BATCH = 100
SHORT_S = 5.0
PARTS = 5
"""A soak of less than five minutes is told in fifths of it, a longer one minute by minute."""
LAST = 2
"""So many parts at the end are compared with the first one."""
SETTINGS = {"checkpoint_timeout": "2min", "autovacuum_naptime": "15s"}
SPAN = timedelta(minutes=2)
RETENTION = timedelta(days=8)
"""Longer ago than the walks begin: no device's last position is old enough to be deleted."""
OLD = timedelta(days=10)
DAY = timedelta(days=1)
OLD_EVERY = DAY / 50
"""Half a million old pings of all devices."""
PRUNE_EVERY_S = 15.0
CHECKPOINTS = "SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter"
AUTOVACUUMS = """
SELECT CASE WHEN relname LIKE 'pings%' THEN 'pings' ELSE relname END, sum(autovacuum_count)::int
FROM pg_stat_user_tables GROUP BY 1 HAVING sum(autovacuum_count) > 0 ORDER BY 2 DESC
"""
USED = "SELECT count(DISTINCT tableoid) FROM pings"


@dataclass(slots=True, kw_only=True)
class Watch:
    """What was seen and done beside the load."""

    memory_mb: list[float] = field(default_factory=list)
    """Of the API processes together, every second."""
    kept: list[Kept] = field(default_factory=list)


def soaked(*, minutes: float, seed: int) -> Iterator[Figure]:
    """Measure a short run, then drive for so many minutes, and compare the two.

    Yields:
        Pings a second over the whole soak beside the short run's, with the rate of each part, and
        what the processes and the server did meanwhile.
    """
    with (
        database_server(**SETTINGS) as server,
        stage(server, size=GEOFENCES, devices=DEVICES, seed=seed) as on,
        on.serve() as served,
    ):
        walks = on.walks(CALM, steps=STEPS, devices=DEVICES)
        on.drive(served, walks, connections=len(served), size=BATCH, seconds=0)
        on.drive(served, walks, connections=CONNECTIONS, size=BATCH, seconds=SHORT_S)
        short, _ = on.drive(served, walks, connections=CONNECTIONS, size=BATCH, seconds=SHORT_S)
        # Partitions are made and dropped, as only their owner may.
        engine = make_engine(on.url, role=DatabaseRole.OWNER)
        sessions = make_session_factory(engine)
        make_partitions(sessions, on.connection, minutes=minutes, at=clock.now())
        checkpoints, before = _number(on.connection, CHECKPOINTS), _autovacuums(on.connection)
        with _watching(sessions, served) as watch:
            parts = [
                on.drive(
                    served,
                    walks,
                    connections=CONNECTIONS,
                    size=BATCH,
                    seconds=seconds,
                    unprepared=True,
                )[0]
                for seconds in lengths_s(minutes)
            ]
        did = {
            "checkpoints": _number(on.connection, CHECKPOINTS) - checkpoints,
            "autovacuums": {
                table: count - before.get(table, 0)
                for table, count in _autovacuums(on.connection).items()
                if count > before.get(table, 0)
            },
            "partitions_used": _number(on.connection, USED),
            "partitions_made": sum(one.made for one in watch.kept),
            "partitions_dropped": sum(one.dropped for one in watch.kept),
            "prunings_that_gave_way": sum(one.waiting for one in watch.kept),
        }
        on.check()
        engine.dispose()
    yield _figure(short, parts, watch, did)


def lengths_s(minutes: float) -> list[float]:
    """Return how long each part of a soak takes, in seconds."""
    parts = max(PARTS, round(minutes))
    return [minutes * 60 / parts] * parts


def make_partitions(
    sessions: SessionFactory, connection: psycopg.Connection, *, minutes: float, at: datetime
) -> None:
    """Make short partitions for the soak, and one with old pings that is to be dropped in it.

    What has come in before lies in the first of them.
    """
    at = at.replace(second=0, microsecond=0)
    start, end = at - DAY, at + SPAN
    with transaction(sessions) as session:
        make_partition(session, Partition(at - OLD, at - OLD + DAY))
        while start <= at + timedelta(minutes=minutes):
            make_partition(session, Partition(start, end))
            start, end = end, end + SPAN
    make_pings(connection, at - OLD, every=OLD_EVERY)
    connection.execute("ANALYZE pings")


@contextmanager
def _watching(sessions: SessionFactory, served: Sequence[Application]) -> Iterator[Watch]:
    """Look at the processes' memory every second, and prune as the worker does, for the block."""
    watch, over = Watch(), threading.Event()

    def look() -> None:
        prune_at = time.monotonic() + PRUNE_EVERY_S
        while not over.wait(1.0):
            watch.memory_mb.append(sum(one.memory_mb() for one in served))
            if time.monotonic() >= prune_at:
                prune_at += PRUNE_EVERY_S
                watch.kept.append(keep_partitions(sessions, at=clock.now(), retention=RETENTION))

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            yield watch
        finally:
            over.set()
        looking.result()


def _figure(short: Load, parts: Sequence[Load], watch: Watch, did: dict[str, object]) -> Figure:
    elapsed_s = sum(part.elapsed_s for part in parts)
    rate = sum(part.accepted for part in parts) / elapsed_s
    rates = [part.rate() for part in parts]
    return Figure(
        case="ingest.soak",
        value=round(rate),
        unit="pings/s",
        peer="short run",
        peer_value=round(short.rate()),
        ratio=round(rate / short.rate(), 2),
        params={
            "minutes": round(elapsed_s / 60, 1),
            "rates": [round(one) for one in rates],
            "last_to_first": round(statistics.mean(rates[-LAST:]) / rates[0], 2),
            "p99_ms": [round(part.latency_ms(0.99)) for part in parts],
            "slowest_ms": round(max(part.latency_ms(1) for part in parts)),
            "memory_mb_start": round(watch.memory_mb[0]),
            "memory_mb_end": round(watch.memory_mb[-1]),
            "memory_mb_most": round(max(watch.memory_mb)),
            **did,
        },
    )


def _number(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return 0 if row is None else int(row[0])


def _autovacuums(connection: psycopg.Connection) -> dict[str, int]:
    return dict(connection.execute(AUTOVACUUMS.encode()).fetchall())
