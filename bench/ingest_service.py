"""What the intake is measured on: two API processes, and how busy they and others are."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe

import psutil

from bench.processes import running
from geoservices.codes.links import make_code_key
from geoservices.push.vapid import make_vapid_key
from local.configuration import HOST, free_port
from local.console import tail

PROCESSES = 2
READY_WITHIN_S = 300.0
"""A new checkout compiles its loops first."""


def environment(url: str) -> dict[str, str]:
    """Return what the service's processes are told; nothing is pushed, so no broker is needed."""
    return {
        **os.environ,
        "GEOSERVICES_DATABASE_URL": url,
        "GEOSERVICES_BROKER_URL": f"redis://{HOST}:1/0",
        "GEOSERVICES_CODES__KEY": make_code_key(),
        "GEOSERVICES_PHONES__SECRET": token_urlsafe(32),
        "GEOSERVICES_PUSH__VAPID_CONTACT": "mailto:bench@example.org",
        "GEOSERVICES_PUSH__VAPID_PRIVATE_KEY": make_vapid_key(),
    }


@contextmanager
def applications(
    name: str, url: str, folder: Path, *, count: int = PROCESSES
) -> Iterator[list["Application"]]:
    """Run an ASGI application in processes with a port each, so that each gets as many clients.

    Where processes share a socket the kernel may hand nearly all connections to one of them.

    Args:
        name: As uvicorn takes it: `api.main:app`.
        url: The database's.
        folder: Where its logs go.
        count: How many processes.
    """
    env = environment(url)
    with ExitStack() as started:
        running: list[Application] = []
        for number in range(count):
            log = folder / f"{name.partition(':')[0]}-{number}.log"
            running.append(started.enter_context(_running(name, env, log)))
        for application in running:
            application.wait()
        yield running


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One process of an application, and where it listens."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> None:
        """Wait until it listens.

        Raises:
            RuntimeError: It does not; the message holds the end of its log.
        """
        give_up_at = time.monotonic() + READY_WITHIN_S
        while self.process.poll() is None and time.monotonic() < give_up_at:
            if _listens(self.process.pid, self.port):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.log.name} did not start:\n{tail(self.log)}")

    def memory_mb(self) -> float:
        """Return how much memory it holds, in megabytes."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20


def cpu_s(parents: Sequence[psutil.Process]) -> Mapping[int, float]:
    """Return the processor time of processes and their children, in seconds, by process id."""
    spent: dict[int, float] = {}
    for parent in parents:
        for process in [parent, *parent.children(recursive=True)]:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            spent[process.pid] = float(times.user + times.system)
    return spent


def cores(before: Mapping[int, float], after: Mapping[int, float], elapsed_s: float) -> float:
    """Return how many cores were busy between two readings; new processes began with nothing."""
    return sum(spent - before.get(pid, 0.0) for pid, spent in after.items()) / elapsed_s


@contextmanager
def _running(name: str, env: dict[str, str], log: Path) -> Iterator[Application]:
    port = free_port()
    command = ("uvicorn", name, "--host", HOST, "--port", str(port), "--no-access-log")
    with running(command, env, log) as process:
        yield Application(port=port, process=process, log=log)


def _listens(pid: int, port: int) -> bool:
    connections = psutil.Process(pid).net_connections(kind="tcp4")
    return any(one.laddr.port == port and one.status == psutil.CONN_LISTEN for one in connections)
