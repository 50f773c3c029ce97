"""Finding the server: new enough, with PostGIS, and nothing else."""

from pathlib import Path

import pytest

from local.distribution import BROWSERS, find_postgres, missing_browsers


def install(root: Path, version: int, postgis: str | None) -> None:
    """Lay out a server as Debian does."""
    binaries = root / f"usr/lib/postgresql/{version}/bin"
    binaries.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (binaries / name).touch()
    extensions = root / f"usr/share/postgresql/{version}/extension"
    extensions.mkdir(parents=True)
    if postgis:
        (extensions / "postgis.control").write_text(f"default_version = '{postgis}'\n")


def test_the_newest_server_that_has_postgis_is_taken(tmp_path: Path) -> None:
    """A newer one without PostGIS is of no use."""
    install(tmp_path, 15, "3.3.2")
    install(tmp_path, 16, "3.4.0")
    install(tmp_path, 17, None)

    found = find_postgres(root=tmp_path, path="")

    assert found is not None
    assert (found.version, found.bin) == (16, tmp_path / "usr/lib/postgresql/16/bin")


def test_a_cluster_gets_the_version_that_made_it(tmp_path: Path) -> None:
    """An upgrade of the distribution adds a server that cannot read the old cluster."""
    install(tmp_path, 15, "3.3.2")
    install(tmp_path, 17, "3.5.2")

    found = find_postgres(root=tmp_path, path="", version=15)

    assert found is not None
    assert found.version == 15
    assert find_postgres(root=tmp_path, path="", version=16) is None


@pytest.mark.parametrize(
    ("version", "postgis"), [(14, "3.3.2"), (15, "3.2.7"), (15, None)], ids=str
)
def test_what_is_too_old_or_incomplete_is_none(
    version: int, postgis: str | None, tmp_path: Path
) -> None:
    """PostgreSQL 15 and PostGIS 3.3 are the oldest that serve."""
    install(tmp_path, version, postgis)

    assert find_postgres(root=tmp_path, path="") is None


def test_a_server_elsewhere_is_found_by_pg_config(tmp_path: Path) -> None:
    """So Fedora's, Homebrew's and one's own are found."""
    install(tmp_path, 16, "3.4.0")
    moved = tmp_path / "opt"
    (tmp_path / "usr/lib/postgresql/16").rename(moved)
    (moved / "bin/postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 16.3'\n")
    (moved / "bin/postgres").chmod(0o755)
    config = moved / "bin/pg_config"
    share = tmp_path / "usr/share/postgresql/16"
    config.write_text(f'#!/bin/sh\n[ "$1" = --bindir ] && echo {moved}/bin || echo {share}\n')
    config.chmod(0o755)

    found = find_postgres(root=tmp_path / "nothing", path=str(moved / "bin"))

    assert found is not None
    assert (found.version, found.bin) == (16, moved / "bin")


@pytest.mark.parametrize(
    ("release", "there", "missing"),
    [
        ("ID=debian", [], list(BROWSERS)),
        ("ID=debian", list(BROWSERS), []),
        ("ID=debian", ["chromium"], [package for package in BROWSERS if package != "chromium"]),
        ("ID=ubuntu\nID_LIKE=debian", [], []),
        (None, [], []),
    ],
)
def test_browsers_are_asked_for_where_debian_has_them(
    tmp_path: Path, release: str | None, there: list[str], missing: list[str]
) -> None:
    """Ubuntu's come as snaps, which these tests cannot drive."""
    if release is not None:
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/os-release").write_text(f"NAME=any\n{release}\n")
    for package in there:
        file = tmp_path / BROWSERS[package].replace("*", "x86_64-linux-gnu")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    assert missing_browsers(root=tmp_path) == missing
