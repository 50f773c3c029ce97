"""The private PostgreSQL server: started on a loopback port, stopped, its databases made."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from local.cluster import SUPERUSER, Cluster
from local.configuration import HOST
from local.console import CannotGoOn, say, tail
from local.ownership import wait_for

READY_WITHIN_S = 60.0
"""Replaying the log after a crash takes its time."""
STOPPED_WITHIN_S = 20.0

UNSAFE_BUT_FAST = ("fsync=off", "full_page_writes=off")
"""What was committed still survives a kill -9 of the server, as tests demand; not a power cut."""


@contextmanager
def serving(cluster: Cluster, *, port: int, log: Path, mark: dict[str, str]) -> Iterator[None]:
    """Serve the cluster on the loopback port for the block, whatever a killed run left behind.

    Args:
        cluster: What to serve.
        port: Where to listen; there is no Unix socket, whose path has a short limit.
        log: What the server prints.
        mark: Variables that tell this stack's processes from others.

    Raises:
        CannotGoOn: It does not answer; the message holds the end of its log.
    """
    stop_leftovers(cluster.data)
    server = _start(cluster, port=port, log=log, mark=mark)
    try:
        _wait(server, url(cluster, port=port, database="postgres"), log)
        yield
    finally:
        if server.poll() is None:
            _stop(psutil.Process(server.pid), cluster.data)
            server.wait()


def url(cluster: Cluster, *, port: int, database: str) -> str:
    """Address a database of the cluster as its superuser."""
    return f"postgresql://{SUPERUSER}:{cluster.password}@{HOST}:{port}/{database}"


def create_database(cluster: Cluster, *, port: int, name: str) -> str:
    """Make a database unless it is there already; return its URL."""
    with psycopg.connect(url(cluster, port=port, database="postgres"), autocommit=True) as server:
        known = server.execute("select from pg_database where datname = %s", [name]).fetchone()
        if known is None:
            server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return url(cluster, port=port, database=name)


def stop_leftovers(data: Path) -> None:
    """Stop a server that still runs on the data directory, and clear away a dead one's lock."""
    left = _servers(data)
    if left:
        say("Stopping our PostgreSQL server that was left behind.")
        numbers = {server.pid for server in left}
        _stop(next(server for server in left if server.ppid() not in numbers), data)
    # With no server on this folder the file is stale. PostgreSQL would refuse to start if its
    # process number belonged to some other program by now.
    (data / "postmaster.pid").unlink(missing_ok=True)


def _start(
    cluster: Cluster, *, port: int, log: Path, mark: dict[str, str]
) -> subprocess.Popen[bytes]:
    settings = [
        *(f"listen_addresses={HOST}", f"port={port}", "unix_socket_directories="),
        *("timezone=UTC", "log_timezone=UTC", "max_connections=200"),
        *(UNSAFE_BUT_FAST if cluster.throw_away else ()),
    ]
    options = [part for setting in settings for part in ("-c", setting)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            [cluster.installation.bin / "postgres", "-D", cluster.data, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cluster.home,
            env={**os.environ, **mark},
            user=cluster.owner.uid,
            group=cluster.owner.gid,
            extra_groups=None if cluster.owner.uid is None else [],
            # A Ctrl-C at the terminal is for us alone; the server is stopped after its clients.
            start_new_session=True,
        )


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    give_up_at = time.monotonic() + READY_WITHIN_S
    while server.poll() is None and time.monotonic() < give_up_at:
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise CannotGoOn(f"PostgreSQL did not start. The end of {log}:\n{tail(log)}")


def _stop(server: psutil.Process, data: Path) -> None:
    """End the server: cleanly and at once, then less cleanly if it takes too long."""
    for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(psutil.NoSuchProcess):
            server.send_signal(signum)
        left = wait_for(_servers(data), timeout_s=STOPPED_WITHIN_S)
        if not left:
            return
        server = left[0]


def _servers(data: Path) -> list[psutil.Process]:
    """Find every server process on the data directory: each works inside it."""
    return [process for process in psutil.process_iter(["name"]) if _serves(process, data)]


def _serves(process: psutil.Process, data: Path) -> bool:
    try:
        return process.info["name"].startswith("postgres") and process.cwd() == str(data)
    except (psutil.Error, OSError):
        return False
