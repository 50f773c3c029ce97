"""Whether a month of history slows what is asked of it.

    python -m bench.storage [--quick] [--json] [--case storage.visits_of_device] [--seed N]

One database holds a day of data, another of the same server thirty days of pings (a million a day)
and ninety days of visits (40,000 a day). Pings lie in a partition for each day, as the service
makes them when it keeps positions for thirty days. Both are asked the same in turns, so that what
else the machine does slows both. Each figure is the 95th percentile over random devices, or over
places chosen like those that people go to, of what the API asks.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

import numpy as np
import psycopg
from sqlalchemy.orm import Session

from bench.database import Server, database_server, migrate
from bench.geofences import ORGANISATION
from bench.report import Figure, introduce, options, pick, tell
from bench.world import World, make_pings, make_world
from geoservices import clock
from geoservices.database import DatabaseRole, SessionFactory, make_engine, make_session_factory
from geoservices.pings import queries as pings
from geoservices.pings.service import keep_partitions
from geoservices.settings.presence import IntakeSettings
from geoservices.visits import queries
from local.interruption import heed_signals

QUESTIONS = 400
WARM_UP = 40
PAGE = 4
"""As many visits as a device makes in a day, so that the answer is as long both times."""
DAY, MONTH = timedelta(days=1), timedelta(days=31)
RETENTION = timedelta(days=30)
"""How long positions are kept; the service then makes a partition for each day."""
INTAKE = IntakeSettings()
LATE = 100
"""So many late pings are asked about at once."""
FAVOUR = 3
"""The larger, the more people keep to a few places: numbers are drawn as the power of a uniform."""

VISITS = """
WITH known AS (
  SELECT (SELECT array_agg(id ORDER BY id) FROM devices) AS devices,
         (SELECT array_agg(id ORDER BY id) FROM geofences) AS geofences
), drawn AS (
  SELECT devices[1 + floor(random() * cardinality(devices))::int] AS device_id,
         geofences[1 + floor(power(random(), %(favour)s) * cardinality(geofences))::int] AS id,
         %(day)s::timestamptz + random() * interval '22 hours' AS entered_at,
         random() * interval '2 hours' AS lasted
  FROM known, generate_series(1, %(visits)s)
), stored AS (
  INSERT INTO visits (
    id, device_id, geofence_id, place_id, organisation_id, phase, phase_since, entered_at,
    seen_at, dwell_after, dwelled_at, exited_at, exit_reason, confidence, initial, due_at, told
  )
  SELECT gen_random_uuid(), device_id, id, id, %(organisation)s, 'ended', entered_at + lasted,
         entered_at, entered_at + lasted, interval '5 minutes',
         CASE WHEN lasted > interval '5 minutes' THEN entered_at + interval '5 minutes' END,
         entered_at + lasted, 'outside-for-long', 3, false, entered_at + lasted, false
  FROM drawn
  RETURNING *
)
INSERT INTO transitions (
  id, visit_id, device_id, geofence_id, place_id, organisation_id, kind, reason, confidence,
  initial, occurred_at, detected_at
)
SELECT gen_random_uuid(), stored.id, device_id, geofence_id, place_id, organisation_id, kind,
       CASE kind WHEN 'entered' THEN 'clearly-inside' WHEN 'dwelled' THEN 'stayed'
       ELSE 'outside-for-long' END, 3, false, occurred_at, occurred_at
FROM stored, LATERAL (
  VALUES ('entered', entered_at), ('dwelled', dwelled_at), ('exited', exited_at)
) AS told(kind, occurred_at)
WHERE occurred_at IS NOT NULL
"""
OPEN = """
WITH known AS (SELECT array_agg(id ORDER BY id) AS geofences FROM geofences)
INSERT INTO visits (
  id, device_id, geofence_id, place_id, organisation_id, phase, phase_since, entered_at, seen_at,
  dwell_after, confidence, initial, due_at, told
)
SELECT gen_random_uuid(), device.id, drawn.id, drawn.id, %(organisation)s, 'inside',
       %(at)s, %(at)s, %(at)s, interval '5 minutes', 3, false, %(at)s, false
FROM known, LATERAL (SELECT id FROM devices LIMIT %(open)s) AS device,
LATERAL (
  SELECT geofences[1 + floor(power(random(), %(favour)s) * cardinality(geofences))::int] AS id
  WHERE device.id IS NOT NULL
) AS drawn
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much there is."""

    devices: int = 10_000
    geofences: int = 10_000
    ping_days: int = 30
    visit_days: int = 90
    pings_a_device_and_day: int = 100
    visits_a_day: int = 40_000
    open_visits: int = 2_000


QUICK = Amount(
    devices=1_000, geofences=1_000, ping_days=3, visit_days=6, visits_a_day=4_000, open_visits=200
)

Question = Callable[[Session, int], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A database with so much in it."""

    world: World
    sessions: SessionFactory
    stored: dict[str, object]
    """How many rows it has, and its size."""


def main(arguments: list[str]) -> int:
    """Ask a day of history and all of it in turns."""
    chosen = options(__doc__).parse_args(arguments)
    introduce(chosen.seed, "psycopg", "sqlalchemy")
    amount = QUICK if chosen.quick else Amount()
    # Told to stop, it still stops what it started.
    heed_signals()
    tell(_figures(amount, chosen.case, chosen.seed), as_json=chosen.json)
    return 0


def _figures(amount: Amount, only: str | None, seed: int) -> Iterator[Figure]:
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    a_day = replace(amount, ping_days=1, visit_days=1)
    with database_server() as server, ExitStack() as open_:
        little, much = (
            open_.enter_context(_filled(server, name, some, midnight, seed))
            for name, some in (("day", a_day), ("all", amount))
        )
        questions = _questions(much.world, midnight, seed)
        for name in pick(questions, only):
            yield _figure(name, questions[name], little, much)


def _figure(name: str, question: Question, little: Filled, much: Filled) -> Figure:
    before_ms, after_ms = _ask(question, little.sessions, much.sessions)
    before, after = (float(np.quantile(some, 0.95)) for some in (before_ms, after_ms))
    return Figure(
        case=name,
        value=round(after, 2),
        unit="ms (p95)",
        peer="one day of data",
        peer_value=round(before, 2),
        ratio=round(before / after, 2),
        params={
            "p50_ms": round(float(np.quantile(after_ms, 0.5)), 2),
            "p50_ms_one_day": round(float(np.quantile(before_ms, 0.5)), 2),
            "asked": len(after_ms),
            **much.stored,
        },
    )


@contextmanager
def _filled(
    server: Server, name: str, amount: Amount, midnight: datetime, seed: int
) -> Iterator[Filled]:
    """Make a database and fill it; the same seed makes the same devices and places."""
    url = server.database(name)
    migrate(url)
    engine = make_engine(url, role=DatabaseRole.OWNER)
    sessions = make_session_factory(engine)
    began = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        rng = np.random.default_rng(seed)
        world = make_world(
            connection, size=amount.geofences, devices=amount.devices, rng=rng, at=midnight
        )
        for ago in range(amount.ping_days, 0, -1):
            keep_partitions(sessions, at=midnight - ago * DAY, retention=RETENTION)
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        connection.execute("SELECT setseed(0.5)")
        _store_open(connection, amount)
        _store(connection, midnight, amount)
        stored = _stored(connection)
    filled_in_s = round(time.perf_counter() - began)
    yield Filled(world=world, sessions=sessions, stored={**stored, "filled_in_s": filled_in_s})
    engine.dispose()


def _questions(world: World, midnight: datetime, seed: int) -> dict[str, Question]:
    """Make what is asked; the number of a question chooses its device."""
    rng = np.random.default_rng(seed)
    asked = QUESTIONS + WARM_UP
    devices = rng.integers(0, len(world.device_ids), asked).tolist()
    yesterday = midnight - DAY

    def visits(session: Session, number: int) -> object:
        device_id = world.device_ids[devices[number]]
        page = queries.visits_of(session, device_id, after=None, limit=PAGE)
        return queries.transitions_of(session, [visit.id for visit in page])

    def late(session: Session, number: int) -> object:
        device_id = world.device_ids[devices[number]]
        times = (yesterday + ping * DAY / LATE for ping in range(LATE))
        keys = [(device_id, at, uuid4()) for at in times]
        return pings.stored(session, keys, future_tolerance=INTAKE.future_tolerance)

    return {
        "storage.late_pings": late,
        "storage.visits_of_device": visits,
    }


def _ask(question: Question, *databases: SessionFactory) -> tuple[list[float], ...]:
    """Return how long each database's answers took, in milliseconds, transaction and all."""
    found: tuple[list[float], ...] = tuple([] for _ in databases)
    for number in range(QUESTIONS + WARM_UP):
        for sessions, latencies_ms in zip(databases, found, strict=True):
            began = time.perf_counter()
            with sessions() as session, session.begin():
                question(session, number)
            latencies_ms.append((time.perf_counter() - began) * 1000)
    return tuple(latencies_ms[WARM_UP:] for latencies_ms in found)


def _store_open(connection: psycopg.Connection, amount: Amount) -> None:
    connection.execute(
        OPEN,
        {
            "organisation": ORGANISATION,
            "at": clock.now(),
            "open": amount.open_visits,
            "favour": FAVOUR,
        },
    )


def _store(connection: psycopg.Connection, midnight: datetime, amount: Amount) -> None:
    """Make up the days before midnight, and leave the server at rest."""
    for ago in range(1, amount.visit_days + 1):
        day = midnight - ago * DAY
        if ago <= amount.ping_days:
            make_pings(connection, day, every=DAY / amount.pings_a_device_and_day)
        connection.execute(
            VISITS,
            {
                "day": day,
                "visits": amount.visits_a_day,
                "favour": FAVOUR,
                "organisation": ORGANISATION,
            },
        )
    connection.execute("VACUUM ANALYZE")
    connection.execute("CHECKPOINT")
    stray = connection.execute("SELECT count(*) FROM pings_default").fetchone()
    if stray != (0,):
        raise AssertionError(f"{stray} pings lie in no day's partition.")


def _stored(connection: psycopg.Connection) -> dict[str, object]:
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM pings), (SELECT count(DISTINCT tableoid) FROM pings), "
        "(SELECT count(*) FROM visits), (SELECT count(*) FROM transitions), "
        "pg_database_size(current_database())"
    ).fetchone()
    rows, partitions, visits, transitions, size = counts or (0, 0, 0, 0, 0)
    return {
        "pings": rows,
        "partitions": partitions,
        "visits": visits,
        "transitions": transitions,
        "database_gb": round(size / 2**30, 1),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
