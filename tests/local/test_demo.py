"""A whole stack from outside: how it ends, and what stands in the way of the next start."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local.configuration import CHECKOUT, free_port
from local.console import STARTED_BY
from local.ownership import strays

pytestmark = pytest.mark.stack

WITHIN_S = 120

Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def start(data_dir: Path) -> Start:
    """Start a stack of real servers and small processes on the test's data folder."""
    ports = {
        f"GEOSERVICES_{service}_PORT": str(free_port())
        for service in ("API", "DATABASE", "BROKER", "PUSH")
    }
    outside = {k: v for k, v in os.environ.items() if k != STARTED_BY}

    def begin(mode: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.local.placeholders", str(data_dir), mode],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
            env=outside | ports,
        )

    return begin


def read_until(line: str, process: subprocess.Popen[str]) -> None:
    """Read the process's stderr up to the line."""
    assert process.stderr is not None
    assert any(told.startswith(line) for told in process.stderr)


def test_stdout_holds_the_story_alone(start: Start, data_dir: Path) -> None:
    """Played once, everything ends with the story, and nothing is left."""
    stack = start("once")

    out, err = stack.communicate(timeout=WITHIN_S)

    assert (out, stack.returncode) == ("step 1\nstep 2\n", 0), err
    assert strays(data_dir) == []


def test_the_storys_exit_code_is_the_demos(start: Start) -> None:
    """What it said on stderr is shown with it."""
    stack = start("story-fails")

    out, err = stack.communicate(timeout=WITHIN_S)

    assert (out, stack.returncode) == ("half\n", 1)
    assert "lost the plot" in err


def test_a_process_that_dies_is_named_and_ends_all(start: Start, data_dir: Path) -> None:
    """The end of its log is shown; the others do not go on without it."""
    stack = start("api-dies")

    _, err = stack.communicate(timeout=WITHIN_S)

    assert stack.returncode == 1
    assert "`api` ended with exit code 1" in err
    assert "no socket" in err
    assert strays(data_dir) == []


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_after_the_story_it_ends_well(
    signum: signal.Signals, start: Start, data_dir: Path
) -> None:
    """Ctrl-C is how a demo that goes on serving is meant to end."""
    stack = start("serve")
    read_until("serving", stack)

    stack.send_signal(signum)
    out, err = stack.communicate(timeout=WITHIN_S)

    assert (out, stack.returncode) == ("step 1\nstep 2\n", 0)
    assert "Traceback" not in err
    assert strays(data_dir) == []


def test_stopped_while_starting_it_says_so_by_its_exit_code(start: Start, data_dir: Path) -> None:
    """And leaves no server behind."""
    stack = start("serve")
    read_until("Starting PostgreSQL", stack)

    stack.send_signal(signal.SIGTERM)
    _, err = stack.communicate(timeout=WITHIN_S)

    assert stack.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in err
    assert strays(data_dir) == []


def test_a_start_after_kill_9_clears_away_and_plays(start: Start, data_dir: Path) -> None:
    """Servers, processes and honcho's forks are all found by their mark."""
    killed = start("serve")
    read_until("serving", killed)
    killed.kill()
    assert strays(data_dir)

    stack = start("once")
    out, err = stack.communicate(timeout=WITHIN_S)

    assert (out, stack.returncode) == ("step 1\nstep 2\n", 0), err
    assert "left behind" in err
    assert strays(data_dir) == []
    killed.communicate(timeout=WITHIN_S)


def test_a_second_run_is_refused_and_the_first_goes_on(start: Start) -> None:
    """Nothing of the first is taken for a stray while it lives."""
    first = start("serve")
    read_until("serving", first)

    _, err = start("once").communicate(timeout=WITHIN_S)

    assert f"Another run (process {first.pid})" in err
    assert first.poll() is None
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=WITHIN_S)
    assert first.returncode == 0
