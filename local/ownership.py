"""Who runs on a data folder: one run at a time, and what a killed one left behind."""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from local.console import STARTED_BY, CannotGoOn, say

GRACE_S = 5.0


@contextmanager
def holding(data_dir: Path) -> Iterator[None]:
    """Own the data folder for the block, making the folder if need be.

    A POSIX record lock belongs to this process alone: no child inherits it, and the kernel lets
    go of it however the process ends.

    Raises:
        CannotGoOn: Another run owns the folder, or it cannot be written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise CannotGoOn(
            f"The data folder {data_dir} cannot be used ({error.strerror}). "
            "Set GEOSERVICES_DATA_DIR to another."
        ) from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            file.seek(0)
            raise CannotGoOn(
                f"Another run (process {file.read().strip()}) uses the data folder {data_dir}. "
                "Stop it, or set GEOSERVICES_DATA_DIR and the ports for a second one "
                "(GEOSERVICES_API_PORT, _DATABASE_PORT, _BROKER_PORT, _PUSH_PORT)."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def strays(data_dir: Path) -> list[psutil.Process]:
    """Find the processes started for exactly this data folder, other than this one and above."""
    this = psutil.Process()
    spared = {this.pid, *(parent.pid for parent in this.parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in spared and _started_by(process) == str(data_dir)
    ]


def stop_strays(data_dir: Path) -> None:
    """Stop what a run on this data folder left running."""
    found = strays(data_dir)
    if found:
        say(f"Stopping {len(found)} of our processes that were left behind.")
        stop(found)


def stop(processes: Sequence[psutil.Process]) -> None:
    """Ask the processes to end, and kill those that have not after a few seconds."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in wait_for(processes, timeout_s=GRACE_S):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_for(processes, timeout_s=GRACE_S)


def wait_for(processes: Sequence[psutil.Process], *, timeout_s: float) -> list[psutil.Process]:
    """Wait until the processes have ended; return those that have not.

    An orphan that has ended stays in the table as a zombie where process 1 does not collect
    them, as in many containers. It has ended all the same.
    """
    give_up_at = time.monotonic() + timeout_s
    while (alive := [p for p in processes if _lives(p)]) and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return alive


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _started_by(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(STARTED_BY)
    except (psutil.Error, OSError):
        # Somebody else's process, or one that is just ending: not ours to stop.
        return None
