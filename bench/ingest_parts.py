"""What a part of the intake costs: the service beside itself with the part left out, by turns.

Both write into the same tables and walk the same walks. A round is one short measurement of each,
in an order that changes from round to round; what is told is the median of what the rounds say,
so that whatever else the machine does meanwhile concerns both.
"""

import statistics
from collections.abc import Iterator
from typing import NamedTuple

from bench.ingest_cases import OVER_HTTP, Case, Pace
from bench.ingest_service import Application
from bench.ingest_stage import Stage
from bench.report import Figure


class Measured(NamedTuple):
    """What came of driving one of the two for a moment."""

    told: float
    """Pings a second, or the median latency in milliseconds."""
    cpu_us: float
    """Processor time for a ping, of the API and of PostgreSQL together, in microseconds."""


class Round(NamedTuple):
    """One measurement of the service as it is, and one of it without the part."""

    whole: Measured
    without: Measured


def cost_of_part(
    case: Case, on: Stage, served: list[Application], pace: Pace, *, left_out: str
) -> Iterator[Figure]:
    """Measure what a part costs.

    Args:
        case: How many connections send how many pings at once; `of_latency` says what is told.
        on: The stage.
        served: The service's processes.
        pace: How long and how often.
        left_out: The peer of `OVER_HTTP` that is the service without the part.

    Yields:
        The figure: pings a second, or the median latency of a request in milliseconds.
    """
    devices = min(case.devices, pace.devices)
    walks = on.walks(case.gait, steps=case.steps, devices=devices)

    def measure(processes: list[Application], seconds: float) -> Measured:
        load, shares = on.drive(
            processes, walks, connections=case.connections, size=case.size, seconds=seconds
        )
        told = load.latency_ms(0.5) if case.of_latency else load.rate()
        return Measured(told, (shares.api + shares.postgres) / load.rate() * 1e6)

    with on.serve(OVER_HTTP[left_out][0]) as others:
        for processes in (served, others):
            on.drive(processes, walks, connections=len(processes), size=case.size, seconds=0)
            measure(processes, pace.warm_s)
        on.settle()
        rounds: list[Round] = []
        for number in range(pace.rounds):
            order = [served, others] if number % 2 == 0 else [others, served]
            first, second = (measure(processes, pace.round_s) for processes in order)
            rounds.append(Round(first, second) if number % 2 == 0 else Round(second, first))
    on.done_with(walks)
    on.check()
    yield _figure(case, rounds, left_out)


def _figure(case: Case, rounds: list[Round], left_out: str) -> Figure:
    whole = statistics.median(one.whole.told for one in rounds)
    without = statistics.median(one.without.told for one in rounds)
    ratios = sorted(one.whole.told / one.without.told for one in rounds)
    ratio = statistics.median(ratios)
    cpu = statistics.median(one.whole.cpu_us / one.without.cpu_us for one in rounds)
    quarter = len(ratios) // 4
    told: dict[str, object]
    if case.of_latency:
        added_ms = statistics.median(one.whole.told - one.without.told for one in rounds)
        told = {"added_ms": round(added_ms, 3)}
    else:
        told = {"costs_percent": round(100 * (1 - ratio), 1)}
    return Figure(
        case=case.name,
        value=round(whole, 3),
        unit="ms" if case.of_latency else "pings/s",
        peer=left_out,
        peer_value=round(without, 3),
        ratio=round(1 / ratio if case.of_latency else ratio, 3),
        params={
            **told,
            "ratios": f"{ratios[quarter]:.3f}-{ratios[-1 - quarter]:.3f}",
            "cpu_us_a_ping": round(statistics.median(one.whole.cpu_us for one in rounds), 2),
            "cpu_added_percent": round(100 * (cpu - 1), 1),
            "rounds": len(rounds),
            "connections": case.connections,
            "batch": case.size,
            "geofences": case.geofences,
        },
    )
