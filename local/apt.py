"""Installing what is missing with apt, and leaving the machine otherwise as it was."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local.console import CannotGoOn, run_showing_progress, say
from local.distribution import OLDEST_POSTGRESQL

BY_HAND = """\
Install it yourself, then run the same command again:
  Debian 12+, Ubuntu 24.04+   sudo apt-get install --no-install-recommends {packages}
  Fedora                      sudo dnf install postgresql-server postgis
  macOS                       brew install postgresql@17 postgis"""

QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}

# The packages would make and start a cluster "main" of the machine's own. This file is read by
# postgresql-common's createcluster.conf and is gone again when apt is done, however it ends.
INSTALL = """\
set -e
folder=/etc/postgresql-common/createcluster.d
made=$folder/geoservices.conf
trap 'rm -f "$made"; rmdir "$folder" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$folder"
echo 'create_main_cluster = false' > "$made"
apt-get install --yes --no-install-recommends "$@"
"""


def install(*, postgres: bool, venv: bool, browsers: Sequence[str] = ()) -> None:
    """Install the server with PostGIS and Python's venv, whichever is asked for, and browsers.

    Args:
        postgres: Whether the server is wanted.
        venv: Whether Python's venv is.
        browsers: The packages for tests in browsers that are missing.

    Raises:
        CannotGoOn: There is no apt, no permission, or no such package; the message says
            exactly what to install.
    """
    venv_package = f"python3.{sys.version_info.minor}-venv"
    others = [*([venv_package] if venv else []), *browsers]
    # Before apt has been asked, the version is a guess good enough to read.
    expected = [*([f"postgresql-{OLDEST_POSTGRESQL}-postgis-3"] if postgres else []), *others]
    if not shutil.which("apt-get"):
        raise _by_hand("This machine has no apt.", expected)
    as_root = _become_root(expected)
    run_showing_progress(
        "Reading the distribution's list of packages", [*as_root, "apt-get", "update"], env=_env()
    )
    packages = [*([newest_postgis_package()] if postgres else []), *others]
    count, megabytes = download_of(packages)
    say(
        f"Installing {' and '.join(packages)}: {count} packages with what they need, "
        f"{megabytes:.0f} MB to download. No server of the machine's own is made or started."
    )
    run_showing_progress(
        "Installing packages", [*as_root, "sh", "-c", INSTALL, "sh", *packages], env=_env()
    )


def newest_postgis_package() -> str:
    """Name the newest PostGIS package there is for a PostgreSQL that is new enough.

    Raises:
        CannotGoOn: The distribution only offers older ones, or none.
    """
    pattern = r"^postgresql-[0-9]+-postgis-3$"
    listed = _ask("apt-cache", "search", "--names-only", pattern)
    versions = {int(v) for v in re.findall(r"^postgresql-(\d+)-postgis-3\b", listed, re.MULTILINE)}
    usable = [version for version in versions if version >= OLDEST_POSTGRESQL]
    if not usable:
        offered = ", ".join(str(version) for version in sorted(versions)) or "none"
        raise CannotGoOn(
            f"geoservices needs PostgreSQL {OLDEST_POSTGRESQL} or newer with PostGIS 3.3 or newer; "
            f"this distribution offers PostgreSQL {offered}.\n"
            "Add the PostgreSQL project's own packages (sudo apt-get install postgresql-common && "
            "sudo /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh), "
            "then run the same command again."
        )
    # A server that is there already needs only its PostGIS.
    installed = [v for v in usable if Path(f"/usr/lib/postgresql/{v}/bin/postgres").exists()]
    return f"postgresql-{max(installed or usable)}-postgis-3"


def download_of(packages: Sequence[str]) -> tuple[int, float]:
    """Count what apt would fetch, and its size in megabytes."""
    listed = _ask(
        *("apt-get", "install", "--print-uris", "--yes", "--no-install-recommends", "-qq"),
        *("-o", "Debug::NoLocking=1", *packages),
    )
    sizes = [int(size) for size in re.findall(r"^'[^']+' \S+ (\d+)", listed, re.MULTILINE)]
    return len(sizes), sum(sizes) / 1e6


def _become_root(packages: Sequence[str]) -> list[str]:
    """Return what has to stand before a command for it to run as root."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        raise _by_hand("Installing takes root, and this machine has no sudo.", packages)
    say(f"{' and '.join(packages)} must be installed; sudo is used for apt-get alone.")
    # With a terminal the password is asked for now; without one nobody could type it.
    silent = [] if sys.stdin.isatty() else ["-n"]
    if subprocess.run(["sudo", *silent, "true"], check=False, stdout=sys.stderr).returncode != 0:
        raise _by_hand("sudo does not let this user install packages.", packages)
    return ["sudo", "-n", "env", *(f"{name}={value}" for name, value in QUIET.items())]


def _by_hand(reason: str, packages: Sequence[str]) -> CannotGoOn:
    wanted = " ".join(packages)
    return CannotGoOn(f"Missing: {wanted}. {reason}\n{BY_HAND.format(packages=wanted)}")


def _env() -> dict[str, str]:
    return {**os.environ, **QUIET}


def _ask(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_env())
    if done.returncode != 0:
        raise CannotGoOn(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
