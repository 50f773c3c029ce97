"""What apt is asked for, and what the person is told, tried on programs that only pretend."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from local import apt
from local.console import CannotGoOn

Pretend = Callable[[str, str], None]


@pytest.fixture
def called(tmp_path: Path) -> Path:
    """The file in which each pretended program writes how it was called."""
    return tmp_path / "called"


@pytest.fixture
def pretend(tmp_path: Path, called: Path, monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Put a program on a PATH that holds nothing else; the script says what it does."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name: str, script: str) -> None:
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> "{called}"\n{script}\n')
        program.chmod(0o755)

    return put


@pytest.fixture
def debian(pretend: Pretend) -> None:
    """A distribution that offers two versions, and takes what is asked of it."""
    pretend(
        "apt-cache",
        "echo 'postgresql-91-postgis-3 - Geographic objects'\n"
        "echo 'postgresql-97-postgis-3 - Geographic objects'",
    )
    pretend(
        "apt-get",
        "[ $1 = install ] && echo \"'http://mirror/a.deb' a.deb 90000000 SHA256:0\" "
        "&& echo \"'http://mirror/b.deb' b.deb 24000000 SHA256:0\"; exit 0",
    )
    pretend("sh", "exit 0")


@pytest.mark.usefixtures("debian")
def test_the_newest_is_installed_after_saying_what_and_how_large(
    called: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of packages is fetched first, and stdout stays clean."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    apt.install(postgres=True, venv=False)

    said = capsys.readouterr()
    assert said.out == ""
    assert "Installing postgresql-97-postgis-3: 2 packages" in said.err
    assert "114 MB to download" in said.err
    first, *_, last = called.read_text().splitlines()
    assert (first, last) == ("apt-get update", " sh postgresql-97-postgis-3")


@pytest.mark.usefixtures("debian")
def test_browsers_are_installed_along(called: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one go with the rest."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    apt.install(postgres=True, venv=False, browsers=["firefox-esr", "libnotify4"])

    *_, last = called.read_text().splitlines()
    assert last == " sh postgresql-97-postgis-3 firefox-esr libnotify4"


def test_the_machines_own_cluster_is_switched_off_meanwhile(tmp_path: Path) -> None:
    """The file that does so is gone afterwards, however apt ends."""
    folder, seen = tmp_path / "createcluster.d", tmp_path / "seen"
    apt_get = tmp_path / "apt-get"
    apt_get.write_text(f"#!/bin/sh\ncat {folder}/* > {seen}\nexit 100\n")
    apt_get.chmod(0o755)
    script = apt.INSTALL.replace("/etc/postgresql-common/createcluster.d", str(folder))

    done = subprocess.run(
        ["sh", "-c", script, "sh", "a-package"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        check=False,
    )

    assert done.returncode == 100
    assert seen.read_text() == "create_main_cluster = false\n"
    assert not folder.exists()


@pytest.mark.usefixtures("pretend")
def test_without_apt_the_line_to_type_is_shown() -> None:
    """Other systems get theirs too."""
    with pytest.raises(CannotGoOn) as refusal:
        apt.install(postgres=True, venv=False)

    told = str(refusal.value)
    assert "apt-get install --no-install-recommends postgresql-15-postgis-3" in told
    assert "dnf install postgresql-server postgis" in told
    assert "brew install" in told


@pytest.mark.usefixtures("debian")
@pytest.mark.parametrize("sudo", [None, "exit 1"], ids=["no sudo", "sudo says no"])
def test_without_permission_nothing_is_tried(
    sudo: str | None,
    pretend: Pretend,
    called: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a terminal sudo is not left waiting for a password."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    if sudo:
        pretend("sudo", sudo)

    with pytest.raises(CannotGoOn, match="sudo apt-get install"):
        apt.install(postgres=True, venv=False)

    assert (called.read_text() if called.exists() else "") == ("sudo -n true\n" if sudo else "")


def test_a_distribution_with_older_versions_alone_says_so(pretend: Pretend) -> None:
    """Ubuntu 22.04 has PostgreSQL 14."""
    pretend("apt-cache", "echo 'postgresql-14-postgis-3 - Geographic objects'")

    with pytest.raises(CannotGoOn, match="this distribution offers PostgreSQL 14") as refusal:
        apt.newest_postgis_package()

    assert "postgresql-common" in str(refusal.value)
