"""Case `campaigns.decide`: what a worker process decides, from outbox rows to deliveries.

People come to the places of a town with 1,000 live campaigns of every gate, five at each place. A
worker process takes what the relay would hand it, a hundred messages at a time, by the job's own
function; `value` is how many decisions a second it records, with their notifications and
deliveries, and `peer` what is asked of it.

`campaigns.decide.elsewhere` is the same with 1,000 more campaigns at other places, and
`campaigns.decide.crowded` with all 1,000 at a quarter of the places, beside the first in the same
run: a decision is to cost no more for either.
"""

import multiprocessing
import os
import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from bench.campaigns_town import Town, make_town
from bench.database import Server
from bench.ingest_service import environment
from bench.report import Figure

ASKED = 2000
"""Decisions a second."""
PLACES, CAMPAIGNS, ELSEWHERE, CROWDED_PLACES = 200, 1000, 1000, 50
PEOPLE = 2500
TRANSITIONS, QUICK_TRANSITIONS = 10_000, 1500
ROUNDS = 5
"""The towns take turns, so that whatever else the machine does slows all of them."""
WARM_UP = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of a round: how many of each in how many seconds."""

    transitions: int
    decisions: int
    told: int
    seconds: float

    @property
    def rate(self) -> float:
        """Decisions a second."""
        return self.decisions / self.seconds


def run(server: Server, *, seed: int, quick: bool) -> Iterator[Figure]:
    """Measure, and yield a figure for each town."""
    size = {"places": PLACES, "campaigns": CAMPAIGNS, "elsewhere": 0}
    sizes: Mapping[str, Mapping[str, int]] = {
        "decide": size,
        "elsewhere": {**size, "elsewhere": ELSEWHERE},
        "crowded": {**size, "places": CROWDED_PLACES},
    }
    each = (QUICK_TRANSITIONS if quick else TRANSITIONS) // ROUNDS
    with ExitStack() as started:
        workers = {
            name: started.enter_context(
                _worker(make_town(server, name, people=PEOPLE, seed=seed, **told))
            )
            for name, told in sizes.items()
        }
        for worker in workers.values():
            worker.run(WARM_UP)
        runs: dict[str, list[Run]] = {name: [] for name in workers}
        for _ in range(ROUNDS):
            for name, worker in workers.items():
                runs[name].append(worker.run(each))
    ours = _rate(runs["decide"])
    yield _figure("campaigns.decide", runs["decide"], "asked", ASKED)
    for name in ("elsewhere", "crowded"):
        yield _figure(f"campaigns.decide.{name}", runs[name], "campaigns.decide", ours)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process that decides in a town."""

    town: Town
    pipe: Connection

    def run(self, transitions: int) -> Run:
        """Have people come, and all that causes decided."""
        self.town.come(transitions)
        self.pipe.send(transitions)
        seconds, decisions, told = self.pipe.recv()
        return Run(transitions=transitions, decisions=decisions, told=told, seconds=seconds)


@contextmanager
def _worker(town: Town) -> Iterator[Worker]:
    spawning = multiprocessing.get_context("spawn")
    ours, its = spawning.Pipe()
    process = spawning.Process(target=work, args=(town.url, its), daemon=True)
    process.start()
    try:
        yield Worker(town, ours)
    finally:
        ours.send(None)
        process.join()


def work(url: str, pipe: Connection) -> None:
    """Decide whenever it is said that there is something to decide, until nothing is said."""
    os.environ.update(environment(url))
    # They read their settings when they are first asked for anything.
    from bench.campaigns_work import decide_all  # noqa: PLC0415

    while pipe.recv() is not None:
        pipe.send(decide_all())


def _figure(case: str, runs: list[Run], peer: str, peer_value: float) -> Figure:
    value = _rate(runs)
    transitions = sum(one.transitions for one in runs)
    seconds = sum(one.seconds for one in runs)
    rates = [one.rate for one in runs]
    return Figure(
        case=case,
        value=value,
        unit="decisions/s",
        peer=peer,
        peer_value=peer_value,
        ratio=round(value / peer_value, 2),
        params={
            "transitions": transitions,
            "transitions_s": round(transitions / seconds),
            "decisions": sum(one.decisions for one in runs),
            "told": sum(one.told for one in runs),
            "spread": f"{min(rates):.0f}-{max(rates):.0f}",
        },
    )


def _rate(runs: list[Run]) -> float:
    return round(statistics.median(one.rate for one in runs))
