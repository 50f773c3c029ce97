"""Where this machine's PostgreSQL server with PostGIS is, and what it lacks of browsers.

It needs the standard library only.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST_POSTGRESQL = 15
OLDEST_POSTGIS = (3, 3)

ROOT = Path("/")

BROWSERS = {
    "firefox-esr": "usr/bin/firefox-esr",
    "chromium": "usr/bin/chromium",
    # With these, Firefox and Chromium speak to a desktop that the tests can look at.
    "dbus-daemon": "usr/bin/dbus-daemon",
    "libnotify4": "usr/lib/*/libnotify.so.4",
    "fonts-dejavu-core": "usr/share/fonts/truetype/dejavu",
}
"""Debian's packages for tests in browsers, each with a file of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresInstallation:
    """A PostgreSQL server that can load PostGIS."""

    version: int
    """The major version."""
    bin: Path
    """The folder of `postgres` and `initdb`."""


def find_postgres(
    *, root: Path = ROOT, path: str | None = None, version: int | None = None
) -> PostgresInstallation | None:
    """Find the newest usable server.

    Args:
        root: Where the file system starts; other than `/` in tests.
        path: What to search instead of the `PATH` variable.
        version: Only this major version: an existing cluster needs its own.
    """
    usable = (
        PostgresInstallation(version=major, bin=bin_folder)
        for major, bin_folder, share in _candidates(root, path)
        if major >= OLDEST_POSTGRESQL and version in {None, major} and _usable(bin_folder, share)
    )
    return max(usable, key=lambda found: found.version, default=None)


def missing_browsers(*, root: Path = ROOT) -> list[str]:
    """Name the packages that tests in browsers lack, if this is Debian.

    Elsewhere they are in other packages, or none: Ubuntu's browsers come in confined boxes, from
    which they reach neither our profiles nor our desktop. Those tests are skipped there.

    Args:
        root: Where the file system starts; other than `/` in tests.
    """
    release = root / "etc/os-release"
    if not release.exists() or "ID=debian" not in release.read_text("utf-8").splitlines():
        return []
    return [package for package, file in BROWSERS.items() if not any(root.glob(file))]


def _candidates(root: Path, path: str | None) -> Iterator[tuple[int, Path, Path]]:
    """Yield version, binaries and share folder of each server that may be there."""
    for bin_folder in root.glob("usr/lib/postgresql/*/bin"):
        major = bin_folder.parent.name
        if major.isdecimal():
            yield int(major), bin_folder, root / "usr/share/postgresql" / major
    # Elsewhere (Fedora, Homebrew, a build of one's own) the server itself is on the PATH.
    if config := shutil.which("pg_config", path=path):
        bin_folder = Path(_answer(config, "--bindir"))
        yield _major(bin_folder), bin_folder, Path(_answer(config, "--sharedir"))
    elif initdb := shutil.which("initdb", path=path):
        bin_folder = Path(initdb).resolve().parent
        for share in ("share/pgsql", "share/postgresql", "share"):
            yield _major(bin_folder), bin_folder, bin_folder.parent / share


def _usable(bin_folder: Path, share: Path) -> bool:
    control = share / "extension/postgis.control"
    if not control.exists() or not all((bin_folder / n).exists() for n in ("postgres", "initdb")):
        return False
    found = re.search(r"default_version\s*=\s*'(\d+)\.(\d+)", control.read_text(encoding="utf-8"))
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_POSTGIS


def _major(bin_folder: Path) -> int:
    postgres = bin_folder / "postgres"
    found = re.search(r"\d+", _answer(str(postgres), "--version")) if postgres.exists() else None
    return int(found[0]) if found else 0


def _answer(program: str, option: str) -> str:
    return subprocess.run(
        [program, option], capture_output=True, text=True, check=True
    ).stdout.strip()
