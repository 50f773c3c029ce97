"""The whole way of deliveries: relay, broker and a worker process, to a push service and back."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil

from bench.database import Server, migrate
from bench.ingest_service import cores, cpu_s, environment
from bench.processes import running
from bench.push_crowd import Crowd
from geoservices.push.vapid import vapid_public_key
from geoservices.settings import Settings
from local import broker
from local.configuration import free_port
from local.console import tail

WARM_UP = 2000
POLL_S = 0.05
STALLED_S = 120.0

COMMANDS = {
    "relay": ("python", "-m", "workers.relay"),
    "worker": (
        *("celery", "-A", "workers.app", "worker", "--concurrency", "1"),
        *("--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
    ),
}


class Stalled(Exception):
    """Deliveries wait and nobody sends them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One crowd told: how fast, and how many of the cores each part kept busy."""

    count: int
    seconds: float
    worker_cores: float
    relay_cores: float
    postgres_cores: float

    @property
    def rate(self) -> float:
        """Deliveries a second, from due to settled."""
        return self.count / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A crowd, and the processes that push to it."""

    crowd: Crowd
    server: Server
    processes: Mapping[str, psutil.Process]

    def run(self, count: int) -> Run:
        """Tell so many, and wait until the last delivery has ended.

        Raises:
            Stalled: Nothing has been settled for two minutes.
        """
        self.crowd.tell(count)
        parts = {**self.processes, "postgres": self.server.process()}
        before = {name: cpu_s([process]) for name, process in parts.items()}
        began = time.perf_counter()
        self.crowd.let_go()
        self._wait()
        seconds = time.perf_counter() - began
        busy = {
            name: cores(before[name], cpu_s([process]), seconds) for name, process in parts.items()
        }
        return Run(
            count=count,
            seconds=seconds,
            worker_cores=round(busy["worker"], 2),
            relay_cores=round(busy["relay"], 2),
            postgres_cores=round(busy["postgres"], 2),
        )

    def memory_mb(self) -> float:
        """Return how much memory the process holds that sends, in megabytes."""
        [sender] = self.processes["worker"].children()
        return float(sender.memory_info().rss) / 2**20

    def _wait(self) -> None:
        left, since = self.crowd.waiting(), time.monotonic()
        while left:
            time.sleep(POLL_S)
            now = self.crowd.waiting()
            if now < left:
                left, since = now, time.monotonic()
            elif time.monotonic() - since > STALLED_S:
                log = self.server.folder / "worker.log"
                raise Stalled(f"{left} deliveries wait:\n{tail(log)}")


@contextmanager
def pipeline(
    server: Server, name: str, *, people: int, base: str, told: Mapping[str, str]
) -> Iterator[Pipeline]:
    """Have a crowd, a broker, a relay and one worker process for the block, all warm.

    Args:
        server: Where the database is made.
        name: The database's.
        people: How many there are, with a browser each.
        base: What their endpoints start with.
        told: Settings of the service beside the usual ones, as environment variables.
    """
    url = server.database(name)
    migrate(url)
    with ExitStack() as started:
        broker_url = started.enter_context(
            broker.serving(
                server.folder / "broker",
                port=free_port(),
                log=server.folder / "broker.log",
                mark={},
            )
        )
        env = {**environment(url), **told, "GEOSERVICES_BROKER_URL": broker_url}
        crowd = Crowd.gather(url, people, base=base, vapid_key=_public_key(env))
        started_here = {
            part: started.enter_context(running(command, env, server.folder / f"{part}.log"))
            for part, command in COMMANDS.items()
        }
        processes = {part: psutil.Process(process.pid) for part, process in started_here.items()}
        found = Pipeline(crowd=crowd, server=server, processes=processes)
        found.run(WARM_UP)
        yield found


def alternating(rounds: int, *works: Callable[[], float]) -> list[list[float]]:
    """Do works in turn, so that what else the machine does falls on each; return each's figures."""
    figures: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for mine, work in zip(figures, works, strict=True):
            mine.append(work())
    return figures


def _public_key(env: Mapping[str, str]) -> str:
    kept = dict(os.environ)
    os.environ.update(env)
    try:
        return vapid_public_key(Settings().push)
    finally:
        os.environ.clear()
        os.environ.update(kept)
