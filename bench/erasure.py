"""How long it takes to erase a person with 100,000 positions, and to copy all that is held of one.

Meanwhile the single pings of others go in. Case `erasure.person_100k` is how many seconds the real
job takes, `erasure.others_p99` what the slowest hundredth of the others' pings takes meanwhile,
beside the same just before; `erasure.export_100k` is how many seconds a copy takes.
"""

import multiprocessing
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import numpy as np
import psycopg

from bench.database import database_server
from bench.ingest_cases import CALM
from bench.ingest_service import Application, environment
from bench.ingest_stage import Stage, stage
from bench.ingest_walks import Walks
from bench.report import Figure, introduce, options, pick, tell
from geoservices import clock
from geoservices.database import DatabaseRole, make_engine, make_session_factory, transaction
from geoservices.erasures import service as erasures
from geoservices.erasures.models import Erasure
from geoservices.exports import service as exports
from geoservices.exports.models import Export, ExportState
from geoservices.pings import queries as pings
from geoservices.pings.partitions import Partition
from geoservices.pings.service import keep_partitions
from geoservices.settings.privacy import RightsSettings
from geoservices.settings.service import Settings

CASES = ("erasure.person_100k", "erasure.others_p99", "erasure.export_100k")
PINGS, QUICK_PINGS = 100_000, 20_000
OTHERS = 1000
"""Visits, notifications and deliveries of the person's, each."""
RUNS, QUICK_RUNS = 3, 1
WALKING = 100
CONNECTIONS = 4
SECONDS = 3.0
SPREAD = timedelta(hours=20)
"""The positions arrived over this long, in so many partitions."""

FILL = (
    """
    INSERT INTO pings (device_id, recorded_at, id, received_at, lon, lat, accuracy_m, signs)
    SELECT %(device)s, at, gen_random_uuid(), at, -3.5, 50.7, 8, 0
    FROM generate_series(1, %(pings)s) AS number,
    LATERAL (SELECT now() - number * %(spread)s::interval / %(pings)s AS at) AS times
    """,
    """
    INSERT INTO visits (id, device_id, geofence_id, place_id, organisation_id, phase, phase_since,
        entered_at, dwell_after, exited_at, confidence, initial, told, due_at)
    SELECT gen_random_uuid(), %(device)s, id, place_id, organisation_id, 'ended', at, at,
        interval '5 minutes', at, 3, false, false, at
    FROM (SELECT * FROM geofences LIMIT 1) AS geofence, generate_series(1, %(others)s) AS number,
    LATERAL (SELECT now() - number * interval '1 hour' AS at) AS times
    """,
    """
    INSERT INTO transitions (id, visit_id, device_id, geofence_id, place_id, organisation_id, kind,
        reason, confidence, initial, occurred_at, detected_at)
    SELECT gen_random_uuid(), id, device_id, geofence_id, place_id, organisation_id, kind,
        'clearly-inside', 3, false, entered_at, entered_at
    FROM visits, unnest(ARRAY['entered', 'dwelled', 'exited']) AS kind
    WHERE device_id = %(device)s
    """,
    """
    INSERT INTO subscriptions (id, device_id, endpoint, endpoint_hash, p256dh, auth, vapid_key,
        created_at, updated_at)
    VALUES (gen_random_uuid(), %(device)s, 'https://push.example/' || %(device)s,
        sha256(%(device)s::text::bytea), '', '', '', now(), now())
    """,
    """
    INSERT INTO notifications (id, kind, person_id, campaign_class, title, body, created_at,
        expires_at)
    SELECT gen_random_uuid(), 'test', %(person)s, 'service', 'A', 'B', at, at
    FROM generate_series(1, %(others)s) AS number,
    LATERAL (SELECT now() - number * interval '1 hour' AS at) AS times
    """,
    """
    INSERT INTO deliveries (id, notification_id, subscription_id, state, attempt_count, created_at,
        due_at, expires_at)
    SELECT gen_random_uuid(), notifications.id, subscriptions.id, 'accepted', 1,
        notifications.created_at, notifications.created_at, notifications.created_at
    FROM notifications, subscriptions WHERE person_id = %(person)s AND device_id = %(device)s
    """,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the cases that are asked for."""
    chosen = options(__doc__).parse_args(argv)
    wanted = pick(CASES, chosen.case)
    introduce(chosen.seed, "psycopg", "sqlalchemy")
    with (
        database_server() as server,
        stage(server, size=1000, devices=WALKING + 2 * RUNS, seed=chosen.seed) as on,
        on.serve() as served,
    ):
        bench = Bench(on, served, quick=chosen.quick)
        tell(bench.figures(wanted), as_json=chosen.json)
    return 0


class Bench:
    """People to erase, and others who walk meanwhile."""

    def __init__(self, on: Stage, served: list[Application], *, quick: bool) -> None:
        self._on = on
        self._served = served
        self._pings = QUICK_PINGS if quick else PINGS
        self._runs = QUICK_RUNS if quick else RUNS
        self._people = iter(on.world.device_ids[WALKING:])
        _make_partitions(on.url)

    def figures(self, wanted: Sequence[str]) -> Iterator[Figure]:
        """Measure, and yield a figure for each case."""
        if {"erasure.person_100k", "erasure.others_p99"} & set(wanted):
            yield from self._erasing(wanted)
        if "erasure.export_100k" in wanted:
            yield self._exporting()

    def _erasing(self, wanted: Sequence[str]) -> Iterator[Figure]:
        walks = self._on.walks(CALM, steps=2000, devices=WALKING)
        self._drive(walks, SECONDS)
        took, before, during, rows = [], [], [], 0
        for _ in range(self._runs):
            person_id = self._fill()
            before.append(self._drive(walks, SECONDS))
            job = multiprocessing.get_context("spawn").Process(
                target=erase, args=(self._on.url, person_id)
            )
            job.start()
            samples = []
            while job.is_alive():
                samples.append(self._drive(walks, 0.5))
            during.append(np.concatenate(samples))
            seconds, rows = _result(self._on.connection)
            took.append(seconds)
        params = {"rows": rows, "spread": f"{min(took):.2f}-{max(took):.2f}"}
        if "erasure.person_100k" in wanted:
            value = round(statistics.median(took), 2)
            yield Figure(case="erasure.person_100k", value=value, unit="s", params=params)
        if "erasure.others_p99" in wanted:
            ours, theirs = _p99_ms(during), _p99_ms(before)
            slowest = round(float(np.concatenate(during).max()) * 1000, 1)
            yield Figure(
                case="erasure.others_p99",
                value=ours,
                unit="ms",
                peer="before",
                peer_value=theirs,
                ratio=round(theirs / ours, 2),
                params={"slowest_ms": slowest, "connections": CONNECTIONS},
            )

    def _exporting(self) -> Figure:
        took, size = [], 0
        for _ in range(self._runs):
            person_id = self._fill()
            seconds, size = export(self._on.url, person_id)
            took.append(seconds)
        return Figure(
            case="erasure.export_100k",
            value=round(statistics.median(took), 2),
            unit="s",
            params={"size_mb": round(size / 1e6, 1), "pings": self._pings},
        )

    def _fill(self) -> UUID:
        device_id = next(self._people)
        [(person_id,)] = self._on.connection.execute(
            "SELECT person_id FROM devices WHERE id = %s", (device_id,)
        )
        told = {
            "device": device_id,
            "person": person_id,
            "pings": self._pings,
            "others": OTHERS,
            "spread": SPREAD,
        }
        for statement in FILL:
            self._on.connection.execute(statement.encode(), told)
        self._on.settle()
        return UUID(str(person_id))

    def _drive(
        self, walks: Walks, seconds: float
    ) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        load, _shares = self._on.drive(
            self._served, walks, connections=CONNECTIONS, size=1, seconds=seconds, unprepared=True
        )
        return np.frombuffer(load.latencies_s).copy()


def erase(url: str, person_id: UUID) -> None:
    """Erase somebody, in a process of its own as a worker is."""
    sessions = make_session_factory(make_engine(url, pool_size=2))
    settings = Settings.model_validate(_settings(url))
    with transaction(sessions) as session:
        asked = erasures.ask_for(session, person_id, settings=settings, at=clock.now())
    erasures.carry_out(sessions, asked.id)


def export(url: str, person_id: UUID) -> tuple[float, int]:
    """Write a copy of somebody's; return how many seconds it took and how many bytes it has."""
    engine = make_engine(url, pool_size=2)
    sessions = make_session_factory(engine)
    rights, at = RightsSettings(), clock.now()
    with transaction(sessions) as session:
        asked = Export(
            person_id=person_id,
            state=ExportState.QUEUED,
            created_at=at,
            due_at=at,
            expires_at=at + rights.export_kept,
        )
        session.add(asked)
    began = time.perf_counter()
    exports.write(sessions, asked.id, rights=rights)
    seconds = time.perf_counter() - began
    with transaction(sessions) as session:
        size = session.get_one(Export, asked.id).size_bytes or 0
    engine.dispose()
    return seconds, size


def _make_partitions(url: str) -> None:
    """Make those of the hours before, as they are once the service has run for a day."""
    engine = make_engine(url, role=DatabaseRole.OWNER, pool_size=1)
    sessions = make_session_factory(engine)
    keep_partitions(sessions, at=clock.now(), retention=timedelta(days=1))
    hour = timedelta(hours=1)
    with transaction(sessions) as session:
        first = min(one.start for one in pings.partitions(session))
        for _ in range(24):
            pings.make_partition(session, Partition(first - hour, first))
            first -= hour
    engine.dispose()


def _settings(url: str) -> dict[str, object]:
    told = environment(url)
    return {
        "database_url": url,
        "broker_url": told["GEOSERVICES_BROKER_URL"],
        "codes": {"key": told["GEOSERVICES_CODES__KEY"]},
        "push": {
            "vapid_private_key": told["GEOSERVICES_PUSH__VAPID_PRIVATE_KEY"],
            "vapid_contact": told["GEOSERVICES_PUSH__VAPID_CONTACT"],
        },
    }


def _result(connection: psycopg.Connection) -> tuple[float, int]:
    """Return how long the last erasure took, from being asked for to its end, and its rows."""
    [(seconds, rows)] = connection.execute(
        f"SELECT extract(epoch FROM done_at - asked_at), rows_erased FROM {Erasure.__tablename__} "  # noqa: S608
        "ORDER BY asked_at DESC LIMIT 1"
    )
    return float(seconds), int(rows)


def _p99_ms(runs: Sequence["np.ndarray[tuple[int], np.dtype[np.float64]]"]) -> float:
    return round(statistics.median(float(np.quantile(run, 0.99)) for run in runs) * 1000, 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
