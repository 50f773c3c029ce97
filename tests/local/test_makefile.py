"""The commands a newcomer types."""

import subprocess

from local.configuration import CHECKOUT


def test_help_lists_the_targets() -> None:
    """`make` alone says what there is."""
    done = subprocess.run(["make"], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    for target in ("demo", "test", "check", "run", "setup", "screens", "lock", "format", "clean"):
        assert f"  make {target} " in done.stdout


def test_ci_runs_the_test_command_and_nothing_else() -> None:
    """What passes here passes there."""
    lines = (CHECKOUT / ".ci/run").read_text().splitlines()

    assert lines[-1] == "exec make test </dev/null"
    assert (CHECKOUT / ".ci/run").stat().st_mode & 0o111
