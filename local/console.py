"""What set-up and start-up tell the person waiting: always on stderr, never on stdout."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

STARTED_BY = "GEOSERVICES_STARTED_BY"
"""Every process of a stack carries its data folder in this variable."""
QUIET_S = 10.0
"""A long step says something at least this often, even where nobody's terminal shows it."""
WIDTH = 100


class CannotGoOn(Exception):
    """Something the person at the keyboard has to put right; the message says what."""


def say(text: str) -> None:
    """Print a line for the person, on stderr: stdout belongs to results."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(label: str) -> Iterator[None]:
    """Announce the block before it runs and its seconds after it."""
    print(f"{label} …", end=" ", file=sys.stderr, flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        say("not done")
        raise
    say(f"{time.monotonic() - began:.1f} s")


def tail(path: Path, lines: int = 20) -> str:
    """Read the last lines of a log, indented; empty if there is no such log."""
    if not path.exists():
        return ""
    last = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return "\n".join(f"    {line}" for line in last)


def run_showing_progress(
    label: str, command: Sequence[str], *, env: Mapping[str, str] | None = None
) -> None:
    """Run a long command, showing how long it has taken and what it said last.

    Args:
        label: What is being done, for the person.
        command: The program and its arguments; it gets no stdin.
        env: The whole environment, or `None` for this process's own.

    Raises:
        CannotGoOn: The command failed; the message holds everything it printed.
    """
    say(f"{label} …")
    began = time.monotonic()
    printed: list[str] = []
    with (
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            # Set-up's lock goes with the command, which may outlive us.
            close_fds=False,
            text=True,
            errors="replace",
        ) as process,
        _ticking(printed),
    ):
        printed.extend(process.stdout or ())
    if process.returncode != 0:
        raise CannotGoOn(
            f"{label}: failed with exit code {process.returncode}.\n"
            f"$ {' '.join(command)}\n{''.join(printed).rstrip()}"
        )
    say(f"{label}: done in {time.monotonic() - began:.0f} s")


@contextmanager
def _ticking(printed: Sequence[str]) -> Iterator[None]:
    """Show the newest line and the time taken, each second or, without a terminal, each ten."""
    on_terminal, began, over = sys.stderr.isatty(), time.monotonic(), threading.Event()

    def tick() -> None:
        while not over.wait(1 if on_terminal else QUIET_S):
            newest = printed[-1].strip() if printed else ""
            line = f"  {time.monotonic() - began:4.0f} s  {newest}"[:WIDTH]
            if on_terminal:
                print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            else:
                say(line)

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()
        if on_terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
