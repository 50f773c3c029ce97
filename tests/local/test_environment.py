"""The virtual environment's state, with a Python that only pretends to run pip."""

import sys
from pathlib import Path

import pytest

from local import bootstrap
from local.console import CannotGoOn
from local.environment import UNDER_WAY, is_ready, make_ready


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that has only what set-up reads."""
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        (tmp_path / name).write_text(f"# {name}\n")
    return tmp_path


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment whose Python notes what it is asked to do."""
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").touch()
    pretend(folder, "exit 0")
    return folder


def pretend(venv: Path, script: str) -> None:
    """Let the environment's Python do what the script says."""
    python = venv / "bin/python"
    python.write_text(f'#!/bin/sh\necho "$*" >> {venv}/asked\n{script}\n')
    python.chmod(0o755)


def asked(venv: Path) -> str:
    """Read what the environment's Python was asked to do."""
    return (venv / "asked").read_text()


def test_requirements_are_installed_by_their_hashes_and_only_once(
    checkout: Path, venv: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A second run finds the stamp and asks nothing; stdout stays clean throughout."""
    make_ready(venv, dev=False, checkout=checkout)
    first = asked(venv)
    make_ready(venv, dev=False, checkout=checkout)

    assert f"--require-hashes -r {checkout}/requirements.txt" in first
    assert f"--no-deps --no-build-isolation --editable {checkout}" in first
    assert asked(venv) == first
    assert capfd.readouterr().out == ""


def test_the_development_environment_serves_the_demo_too(checkout: Path, venv: Path) -> None:
    """Its requirements hold all of the others; not the other way round."""
    make_ready(venv, dev=False, checkout=checkout)
    assert not is_ready(venv, dev=True, checkout=checkout)

    make_ready(venv, dev=True, checkout=checkout)

    assert is_ready(venv, dev=True, checkout=checkout)
    assert is_ready(venv, dev=False, checkout=checkout)


@pytest.mark.parametrize("changed", ["requirements.txt", "pyproject.toml"])
def test_a_changed_file_makes_it_due_again(changed: str, checkout: Path, venv: Path) -> None:
    """The stamp holds what the files held."""
    make_ready(venv, dev=False, checkout=checkout)

    (checkout / changed).write_text("# new\n")

    assert not is_ready(venv, dev=False, checkout=checkout)


def test_a_failed_installation_shows_all_pip_said_and_is_not_taken_for_done(
    checkout: Path, venv: Path
) -> None:
    """The next run knows from a file that this one did not end well."""
    pretend(venv, "[ $3 = -V ] && exit 0; echo 'no such hash'; exit 1")

    with pytest.raises(CannotGoOn, match="no such hash"):
        make_ready(venv, dev=False, checkout=checkout)

    assert not is_ready(venv, dev=False, checkout=checkout)
    assert (venv / UNDER_WAY).exists()


def test_one_whose_making_was_cut_short_is_made_anew(
    checkout: Path, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only `venv --clear` takes away what pip left half copied."""
    (venv / UNDER_WAY).touch()
    monkeypatch.setattr(sys, "executable", str(venv / "bin/python"))

    make_ready(venv, dev=False, checkout=checkout)

    assert asked(venv).startswith(f"-m venv --clear {venv}\n")
    assert is_ready(venv, dev=False, checkout=checkout)


def test_set_up_says_everything_on_stderr(
    venv: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`make demo ARGS="--once --json"` prints one JSON object and nothing else on stdout."""
    monkeypatch.setenv("GEOSERVICES_VENV", str(venv))
    monkeypatch.setenv("GEOSERVICES_DATABASE_URL", "postgresql://elsewhere/geoservices")

    assert bootstrap.main([]) == 0

    said = capfd.readouterr()
    assert said.out == ""
    assert "Installing requirements.txt" in said.err
