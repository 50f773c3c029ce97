"""The soak: the same load for minutes, through autovacuum and checkpoints, minute by minute."""

from collections.abc import Iterator

import psycopg

from bench.database import Server
from bench.ingest_errands import Gait
from bench.ingest_stage import stage
from bench.report import Figure

GEOFENCES = 100_000
DEVICES = 10_000
STEPS = 200
CONNECTIONS = 16
BATCH = 100
SHORT_S = 5.0
KEPT = """
SELECT checkpoints_timed + checkpoints_req,
       (SELECT coalesce(sum(autovacuum_count), 0)::int FROM pg_stat_user_tables)
FROM pg_stat_bgwriter
"""


def soak(server: Server, gait: Gait, *, minutes: float, seed: int) -> Iterator[Figure]:
    """Measure a short run, then drive for so many minutes, and compare the two.

    Yields:
        Pings a second over the whole soak beside the short run's, with each minute's rate and the
        memory of the API processes after the first minute and at the end.
    """
    with (
        stage(server, size=GEOFENCES, devices=DEVICES, seed=seed) as on,
        on.serve() as served,
    ):
        walks = on.walks(gait, steps=STEPS, devices=DEVICES)
        on.drive(served, walks, connections=len(served), size=BATCH, seconds=0)
        on.drive(served, walks, connections=CONNECTIONS, size=BATCH, seconds=SHORT_S)
        short, _ = on.drive(served, walks, connections=CONNECTIONS, size=BATCH, seconds=SHORT_S)
        began = _kept(on.connection)
        rates: list[float] = []
        slowest_ms: list[float] = []
        memory_mb: list[float] = []
        accepted, elapsed_s = 0, 0.0
        while elapsed_s < minutes * 60:
            load, _ = on.drive(
                served,
                walks,
                connections=CONNECTIONS,
                size=BATCH,
                seconds=min(60.0, minutes * 60 - elapsed_s),
                unprepared=True,
            )
            rates.append(load.rate())
            slowest_ms.append(load.latency_ms(0.99))
            memory_mb.append(sum(one.memory_mb() for one in served))
            accepted, elapsed_s = accepted + load.accepted, elapsed_s + load.elapsed_s
        ended = _kept(on.connection)
        on.check()
    yield Figure(
        case="ingest.soak",
        value=round(accepted / elapsed_s),
        unit="pings/s",
        peer="short run",
        peer_value=round(short.rate()),
        ratio=round(accepted / elapsed_s / short.rate(), 2),
        params={
            "minutes": round(elapsed_s / 60, 1),
            "rates": [round(rate) for rate in rates],
            "p99_ms": [round(one) for one in slowest_ms],
            "memory_mb": [round(one) for one in memory_mb],
            "checkpoints": ended[0] - began[0],
            "autovacuums": ended[1] - began[1],
        },
    )


def _kept(connection: psycopg.Connection) -> tuple[int, int]:
    row = connection.execute(KEPT).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))
