"""One run at a time on a data folder, and its strays found by their mark alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from local.console import STARTED_BY, CannotGoOn
from local.ownership import holding, stop_strays, strays

HOLD = """
import sys; from pathlib import Path; from local.ownership import holding
with holding(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()
"""


@contextmanager
def running(
    code: str, *arguments: str, owner: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run the code until it has printed a line; kill it after the block."""
    env = {k: v for k, v in os.environ.items() if k != STARTED_BY}
    env |= {STARTED_BY: str(owner)} if owner else {}
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_second_run_on_the_folder_is_refused_and_told_why(tmp_path: Path) -> None:
    """The message names the first run's process and the folder."""
    with (
        running(HOLD, str(tmp_path)) as first,
        pytest.raises(CannotGoOn) as refusal,
        holding(tmp_path),
    ):
        pass

    assert f"process {first.pid}" in str(refusal.value)
    assert str(tmp_path) in str(refusal.value)


def test_a_killed_run_holds_the_folder_no_longer(tmp_path: Path) -> None:
    """The kernel lets go of the lock of a process that was killed."""
    with running(HOLD, str(tmp_path)) as first:
        first.kill()
        first.wait()

        with holding(tmp_path):
            pass


def test_strays_are_those_of_exactly_this_folder(tmp_path: Path) -> None:
    """A folder inside, the folder above and strangers are left alone."""
    sleep = "import time; print('up', flush=True); time.sleep(60)"
    with ExitStack() as started:
        ours = started.enter_context(running(sleep, owner=tmp_path))
        others = [
            started.enter_context(running(sleep, owner=owner))
            for owner in (tmp_path / "inner", tmp_path.parent, None)
        ]

        assert [stray.pid for stray in strays(tmp_path)] == [ours.pid]
        stop_strays(tmp_path)

        assert ours.wait(timeout=5) != 0
        assert [other.poll() for other in others] == [None, None, None]


def test_a_process_is_no_stray_of_its_own(tmp_path: Path) -> None:
    """The demo carries its own mark and must not stop itself."""
    code = (
        "from pathlib import Path; from local.ownership import strays; import sys\n"
        "print([p.pid for p in strays(Path(sys.argv[1]))])"
    )
    env = {**os.environ, STARTED_BY: str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=env, capture_output=True, check=True
    )

    assert done.stdout == b"[]\n"
