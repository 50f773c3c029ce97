"""What taking in pings costs, over HTTP, beside what others would do.

    python -m bench.ingest [--quick] [--json] [--case ingest.batch100] [--seed N]
                           [--tile38 PATH] [--costs FILE.jsonl] [--soak MINUTES]

API processes, database and load generator share the machine's cores. Every ping is committed when
it is answered (`synchronous_commit` on, `fsync` on). Peers run in turns with ours, in the same run
and on the same walks; figures are medians. Any answer but a 200 with every ping accepted, and any
difference between the answers and the database, ends the run.
"""

import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from bench.database import database_server
from bench.ingest_cases import (
    COPY,
    OVER_HTTP,
    OWN,
    PEER_CONNECTIONS,
    TILE38,
    Case,
    Pace,
    cases_of,
    pace_of,
)
from bench.ingest_costs import cost_table, kept, missing, read_costs
from bench.ingest_load import Load
from bench.ingest_parts import cost_of_part
from bench.ingest_peers import CopiedRows, positions_of, tile38
from bench.ingest_plot import draw
from bench.ingest_service import Application
from bench.ingest_soak import soaked
from bench.ingest_stage import Shares, Stage, stage
from bench.ingest_walks import Walks
from bench.report import Figure, introduce, options, tell
from local.interruption import heed_signals


def main(arguments: list[str]) -> int:
    """Measure the cases that were asked for."""
    parser = options(__doc__)
    parser.add_argument("--tile38", type=Path, help="a tile38-server to be measured beside ours")
    parser.add_argument(
        "--costs",
        type=Path,
        metavar="FILE.jsonl",
        help="measure the costs that this file has not, print their table, draw FILE.svg",
    )
    parser.add_argument("--soak", type=float, default=0.0, help="minutes at 100,000 geofences")
    chosen = parser.parse_args(arguments)
    introduce(chosen.seed, "psycopg", "fastapi", "uvicorn", "shapely", "numpy")
    # Told to stop, it still stops what it started.
    heed_signals()
    if chosen.soak:
        tell(soaked(minutes=chosen.soak, seed=chosen.seed), as_json=chosen.json)
        return 0
    of_costs = chosen.costs is not None
    cases = cases_of(chosen.case, quick=chosen.quick, costs=of_costs)
    pace = pace_of(quick=chosen.quick, costs=of_costs)
    if of_costs:
        cases = missing(cases, chosen.costs)
    figures = _figures(cases, pace, chosen.tile38, seed=chosen.seed)
    if not of_costs:
        tell(figures, as_json=chosen.json)
        return 0
    tell(kept(figures, chosen.costs), as_json=chosen.json)
    found = read_costs(chosen.costs)
    print(cost_table(found))
    draw(found, chosen.costs.with_suffix(".svg"))
    return 0


def _figures(
    cases: Sequence[Case], pace: Pace, binary: Path | None, *, seed: int
) -> Iterator[Figure]:
    if not cases:
        return
    with database_server() as server:
        for geofences, group in groupby(cases, key=lambda case: case.geofences):
            some = list(group)
            devices = min(pace.devices, max(case.devices for case in some))
            with (
                stage(server, size=geofences, devices=devices, seed=seed) as on,
                on.serve() as served,
            ):
                for case in some:
                    yield from _measure(case, on, served, pace, binary)


def _measure(
    case: Case, on: Stage, served: list[Application], pace: Pace, binary: Path | None
) -> Iterator[Figure]:
    if case.without is not None:
        yield from cost_of_part(case, on, served, pace, left_out=case.without)
        return
    devices = min(case.devices, pace.devices)
    walks = on.walks(case.gait, steps=case.steps, devices=devices)
    with ExitStack() as open_:
        peers = _peers(case, on, pace, walks, binary, open_)
        # The first request of each process waits until it has read the geofences.
        on.drive(served, walks, connections=len(served), size=case.size, seconds=0)
        _run(case, on, served, walks, pace.warm_s)
        on.settle()
        ours: list[tuple[Load, Shares]] = []
        theirs: dict[str, list[float]] = {name: [] for name in peers}
        for _ in range(pace.runs):
            ours.append(_run(case, on, served, walks, pace.seconds))
            for name, measure in peers.items():
                theirs[name].append(measure())
    on.done_with(walks)
    on.check()
    value, unit = _value(case, [load for load, _ in ours])
    params = _params(case, ours, devices)
    yield Figure(case=case.name, value=value, unit=unit, params=params)
    for name, values in theirs.items():
        middle = statistics.median(values)
        yield Figure(
            case=case.name,
            value=value,
            unit=unit,
            peer=name,
            peer_value=round(middle, 2),
            ratio=round(middle / value if case.of_latency else value / middle, 2),
            params={"spread": f"{min(values):.4g}-{max(values):.4g}"},
        )


def _run(
    case: Case, on: Stage, served: list[Application], walks: Walks, seconds: float
) -> tuple[Load, Shares]:
    return on.drive(served, walks, connections=case.connections, size=case.size, seconds=seconds)


def _value(case: Case, loads: Sequence[Load]) -> tuple[float, str]:
    if case.of_latency:
        return round(statistics.median(load.latency_ms(0.99) for load in loads), 2), "ms"
    rate = statistics.median(load.rate() for load in loads)
    return (round(1e6 / rate, 2), "us/ping") if case.of_cost else (round(rate), "pings/s")


def _params(case: Case, ours: Sequence[tuple[Load, Shares]], devices: int) -> dict[str, object]:
    loads = [load for load, _ in ours]
    accepted = sum(load.accepted for load in loads)
    rates = [load.rate() for load in loads]
    return {
        "p50_ms": round(statistics.median(load.latency_ms(0.5) for load in loads), 2),
        "p99_ms": round(statistics.median(load.latency_ms(0.99) for load in loads), 2),
        "spread": f"{min(rates):.0f}-{max(rates):.0f}",
        "transitions_per_ping": round(sum(load.transitions for load in loads) / accepted, 4),
        "connections": case.connections,
        "batch": case.size,
        "devices": devices,
        "geofences": case.geofences,
        "smallest_process_share": round(min(load.smallest_share() for load in loads), 2),
        **ours[-1][1].told(),
    }


def _peers(
    case: Case,
    on: Stage,
    pace: Pace,
    walks: Walks,
    binary: Path | None,
    open_: ExitStack,
) -> dict[str, Callable[[], float]]:
    """Make ready whom the case is compared with, each as a measurement that returns its figure."""
    peers: dict[str, Callable[[], float]] = {}
    http = [name for name in case.peers if name in OVER_HTTP]
    applications = {OVER_HTTP[name][0] for name in http}
    served = {name: open_.enter_context(on.serve(name)) for name in sorted(applications)}
    for name in http:
        # Whoever writes into our tables walks with us; the others know nothing of us.
        theirs = walks if name == OWN else replace(walks)
        application, path = OVER_HTTP[name]
        peers[name] = _http_peer(case, on, pace, theirs, served[application], path)
    if COPY in case.peers:
        rows = CopiedRows(on.connection, on.world, blocks=pace.copied_blocks, rng=on.rng)
        peers[COPY] = lambda: rows.rate(on.connection)
    if TILE38 in case.peers and binary is not None:
        rival = open_.enter_context(tile38(binary, on.server.folder))
        rival.subscribe()
        rival.watch(on.world.fences)
        requests = list(positions_of(walks, on.world.device_ids))
        peers[TILE38] = lambda: rival.rate(requests)
    return peers


def _http_peer(
    case: Case, on: Stage, pace: Pace, walks: Walks, served: list[Application], path: str
) -> Callable[[], float]:
    def measure() -> float:
        connections = case.connections if case.size == 1 else PEER_CONNECTIONS
        load, _ = on.drive(
            served,
            walks,
            connections=connections,
            size=case.size,
            seconds=pace.seconds,
            path=path,
        )
        return load.latency_ms(0.99) if case.of_latency else load.rate()

    on.drive(served, walks, connections=len(served), size=case.size, seconds=0, path=path)
    return measure


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
