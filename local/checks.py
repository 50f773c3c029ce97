"""`make test`: every check that CI runs, on servers that are thrown away afterwards."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from local.cluster import open_cluster
from local.configuration import CHECKOUT
from local.console import STARTED_BY, say
from local.ownership import holding
from local.postgres import create_database
from local.processes import program
from local.temporary import remove_data, temporary_servers

CHECKS: dict[str, tuple[str, ...]] = {
    "ruff": ("ruff", "check", "."),
    "format": ("ruff", "format", "--check", "."),
    "mypy": ("mypy",),
    "imports": ("lint-imports",),
    "web": ("python", "-m", "local.web", "check"),
    "audit": ("python", "-m", "local.auditing"),
    "migrate": ("alembic", "upgrade", "head"),
    "schema": ("alembic", "check"),
    # Each process gets neighbouring tests, which share what is expensive to start, and whoever is
    # done takes from the others.
    "pytest": ("pytest", "-n", "3", "--dist", "worksteal"),
}

BESIDE = {"mypy", "audit"}
"""The one takes a processor for a minute, the other waits for a server far away."""
PREFIX = "geoservices-test-"


def check(names: Sequence[str], pytest_arguments: Sequence[str]) -> int:
    """Run the named checks, all of them even if one fails; return 1 if any did."""
    in_turn = [name for name in names if name not in BESIDE | {"pytest"}]
    tests = (*CHECKS["pytest"], *pytest_arguments)
    with _throw_away() as env, ExitStack() as started:
        beside = [started.enter_context(_beside(name, env)) for name in names if name in BESIDE]
        failed = [name for name in in_turn if not _passes(name, CHECKS[name], env)]
        if "pytest" in names and not _passes("pytest", tests, _bare(env)):
            failed.append("pytest")
        failed += [name for ended in beside for name in ended()]
    _headline(f"failed: {', '.join(failed)}" if failed else f"all {len(names)} checks passed")
    return 1 if failed else 0


def clean(data_dir: Path) -> int:
    """Delete the data folder and its cluster; refused while a run is using them."""
    with holding(data_dir):
        remove_data(data_dir)
    say(f"Deleted {data_dir}.")
    return 0


def _passes(name: str, command: Sequence[str], env: Mapping[str, str]) -> bool:
    _headline(f"{name}: {' '.join(command)}")
    began = time.monotonic()
    with _running(command, env) as process:
        return _ends_well(name, process, began)


@contextmanager
def _beside(name: str, env: Mapping[str, str]) -> Iterator[Callable[[], list[str]]]:
    """Run a check during the block, and yield what waits for it and tells all that it printed."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as output, _running(CHECKS[name], env, output) as process:

        def end() -> list[str]:
            process.wait()
            _headline(f"{name}: {' '.join(CHECKS[name])}")
            output.seek(0)
            print(output.read().decode(errors="replace"), end="", flush=True)
            return [] if _ends_well(name, process, began) else [name]

        yield end


@contextmanager
def _running(
    command: Sequence[str], env: Mapping[str, str], output: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command; it does not outlive the block."""
    full = [program(command[0]), *command[1:]]
    with subprocess.Popen(
        full, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=CHECKOUT, env=env
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _ends_well(name: str, process: subprocess.Popen[bytes], began: float) -> bool:
    code = process.wait()
    verdict = "passed" if code == 0 else f"FAILED with exit code {code}"
    _headline(f"{name} {verdict} in {time.monotonic() - began:.1f} s")
    return code == 0


def _headline(text: str) -> None:
    """Print where the checks' own output goes, so that the order stays right in a log."""
    print(f"== {text}", flush=True)


@contextmanager
def _throw_away() -> Iterator[dict[str, str]]:
    """Have servers for the block, with a database for the tests beside the service's."""
    with temporary_servers(PREFIX) as (configuration, env):
        cluster = open_cluster(configuration.data_dir)
        tests = create_database(cluster, port=configuration.database_port, name="tests")
        given = env | {
            "GEOSERVICES_TEST_DATABASE_URL": tests,
            "GEOSERVICES_TEST_BROKER_URL": env["GEOSERVICES_BROKER_URL"],
        }
        # The tests start a hundred processes, and each would compile all of ours anew.
        given.pop("PYTHONDONTWRITEBYTECODE", None)
        yield given


def _bare(env: Mapping[str, str]) -> dict[str, str]:
    """Keep from the tests every setting of ours but where their servers are."""
    kept = (STARTED_BY, "GEOSERVICES_TEST_")
    return {k: v for k, v in env.items() if not k.startswith("GEOSERVICES_") or k.startswith(kept)}
