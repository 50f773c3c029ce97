"""The whole system on real processes, each of which a test may kill and start again."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
import redis
from psycopg.rows import dict_row

from geoservices import clock
from geoservices.access.rights import Role
from geoservices.accounts.issuing import issue_access_token
from geoservices.database import make_engine, make_session_factory, transaction
from local import broker, postgres, processes
from local.actors import Caller, Manager
from local.cluster import open_cluster
from local.configuration import CHECKOUT, Configuration, free_port
from local.console import tail
from local.stack import prepare
from tests.eventually import eventually

HASTY = {
    "GEOSERVICES_PUSH__LEASE": "PT4S",
    "GEOSERVICES_PUSH__TIMEOUT": "PT3S",
    "GEOSERVICES_OUTBOX_LEASE": "PT3S",
}
"""Leases short enough for a test to wait for their end."""

READY_WITHIN = timedelta(minutes=2)
"""Each process takes seconds of a processor to start, and tests have the rest of them."""
CRASHED_WITHIN = timedelta(minutes=1)
LOG_WIDTH = 400


class System:
    """Database, broker, push service and the service's own processes."""

    def __init__(self, folder: Path, *, twins: Sequence[str] = (), **settings: str) -> None:
        """Make a system.

        Args:
            folder: Where everything of it lies.
            twins: Processes of which there shall be a second one.
            settings: Further variables of every process's environment.
        """
        self.configuration = Configuration(
            data_dir=folder,
            api_port=free_port(),
            database_port=free_port(),
            broker_port=free_port(),
            push_port=free_port(),
            database_url=None,
            broker_url=None,
        )
        self.cluster = open_cluster(folder, throw_away=True)
        self._servers: dict[str, ExitStack] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._commands = processes.commands(self.configuration)
        self._commands |= {f"{name}-2": self._commands[name] for name in twins}
        self._settings = settings
        self.env: Mapping[str, str] = {}

    def start_all(self) -> None:
        """Start the servers, load the libraries, and start every process."""
        self.start_database()
        database_url = postgres.create_database(
            self.cluster, port=self.configuration.database_port, name="journeys"
        )
        self.env = {
            **HASTY,
            **processes.environment(
                self.configuration, database_url=database_url, broker_url=self.start_broker()
            ),
            **self._settings,
        }
        prepare(self.configuration, self.env)
        for name in self._commands:
            self.start(name)
        self.wait_until_ready()

    def start_database(self) -> None:
        """Start PostgreSQL."""
        stack = self._servers["database"] = ExitStack()
        stack.enter_context(
            postgres.serving(
                self.cluster,
                port=self.configuration.database_port,
                log=self.configuration.logs / "postgres.log",
                mark=processes.mark(self.configuration.data_dir),
            )
        )

    def start_broker(self) -> str:
        """Start an empty broker and return its URL."""
        stack = self._servers["broker"] = ExitStack()
        return stack.enter_context(
            broker.serving(
                self.configuration.data_dir / "broker",
                port=self.configuration.broker_port,
                log=self.configuration.logs / "broker.log",
                mark=processes.mark(self.configuration.data_dir),
            )
        )

    def stop_server(self, name: str) -> None:
        """Stop the database or the broker; the broker forgets everything."""
        self._servers.pop(name).close()

    def crash_database(self) -> None:
        """Stop PostgreSQL as `pg_ctl stop -m immediate` does: it recovers at the next start."""
        lock = self.cluster.data / "postmaster.pid"
        server = psutil.Process(int(lock.read_text("ascii").split()[0]))
        server.send_signal(signal.SIGQUIT)
        server.wait(timeout=CRASHED_WITHIN.total_seconds())
        self.stop_server("database")

    def flush_broker(self) -> None:
        """Have the broker forget everything while everyone stays connected to it."""
        with redis.Redis.from_url(self.env["GEOSERVICES_BROKER_URL"]) as client:
            client.flushall()

    def start(self, name: str) -> None:
        """Start one process of the service."""
        self.configuration.logs.mkdir(exist_ok=True)
        with (self.configuration.logs / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                self._commands[name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=CHECKOUT,
                env=dict(self.env),
                start_new_session=True,
            )

    def kill(self, name: str, *, alone: bool = False) -> None:
        """Kill a process with -9, and all its children unless it shall leave them alone."""
        process = self._processes.pop(name)
        children = [] if alone else psutil.Process(process.pid).children(recursive=True)
        for pid in (process.pid, *(child.pid for child in children)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def kill_child(self, name: str, *, choose: Callable[[list[int]], int]) -> bool:
        """Kill one of a process's children alone with -9, and tell whether there was one."""
        children = [c.pid for c in psutil.Process(self._processes[name].pid).children()]
        if not children:
            return False
        with suppress(ProcessLookupError):
            os.kill(choose(children), signal.SIGKILL)
        return True

    @property
    def running(self) -> list[str]:
        """The processes of the service that were started and not killed since."""
        return list(self._processes)

    def stop_all(self) -> None:
        """Kill every process and stop the servers."""
        for name in list(self._processes):
            self.kill(name)
        for name in list(self._servers):
            self.stop_server(name)

    def wait_until_ready(self) -> None:
        """Wait until the API says that all is well."""
        with Caller(self.configuration.api_url) as caller:
            eventually(caller.is_service_ready, within=READY_WITHIN)

    def token(self, role: Role) -> str:
        """Make a member of Devon's staff."""
        engine = make_engine(self.env["GEOSERVICES_DATABASE_URL"], pool_size=1)
        with transaction(make_session_factory(engine)) as session:
            token = issue_access_token(
                session,
                "devon",
                role=role,
                name="Journey",
                lifetime=timedelta(days=1),
                at=clock.now(),
            )
        engine.dispose()
        return token

    def manager(self) -> Manager:
        """Sign a manager in."""
        return Manager(self.configuration.api_url, self.token(Role.MANAGER))

    def ask(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Ask the database."""
        url = self.env["GEOSERVICES_DATABASE_URL"]
        with psycopg.connect(url, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def push_log(self) -> list[dict[str, Any]]:
        """Read every POST the push service saw."""
        answer: list[dict[str, Any]] = httpx2.get(
            f"{self.configuration.push_url}/log", trust_env=False
        ).json()
        return answer

    def misbehave_anew(self, *faults: Mapping[str, Any]) -> None:
        """Have the push service misbehave in this way only, once each."""
        address = f"{self.configuration.push_url}/faults"
        httpx2.delete(address, trust_env=False).raise_for_status()
        if faults:
            httpx2.post(address, json=faults, trust_env=False).raise_for_status()

    def tails(self) -> str:
        """Return the end of every log, its long lines cut."""
        told = []
        for log in sorted(self.configuration.logs.glob("*.log")):
            told += [f"-- {log.name}", *(line[:LOG_WIDTH] for line in tail(log).splitlines())]
        return "\n".join(told)

    def misbehave(self, **fault: Any) -> None:
        """Have the push service misbehave."""
        httpx2.post(
            f"{self.configuration.push_url}/faults", json=[fault], trust_env=False
        ).raise_for_status()
