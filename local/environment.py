"""The virtual environment: made from the locked requirements, repaired when half made."""

import fcntl
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.console import run_showing_progress

CHECKOUT = Path(__file__).resolve().parents[1]

REQUIREMENTS = {"runtime": "requirements.txt", "dev": "requirements-dev.txt"}
STAMP = "geoservices-stamp.json"
UNDER_WAY = "geoservices-under-way"


def venv_folder() -> Path:
    """Name the environment's folder: GEOSERVICES_VENV, or `.venv` in the checkout."""
    return CHECKOUT / os.environ.get("GEOSERVICES_VENV", ".venv")


def can_make_venvs() -> bool:
    """Say whether this Python can; Debian keeps `ensurepip` in a package of its own."""
    return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))


def is_ready(venv: Path, *, dev: bool, checkout: Path = CHECKOUT) -> bool:
    """Say whether the environment holds exactly what the checkout asks for; takes milliseconds."""
    kind = "dev" if dev else "runtime"
    return _stamp(venv).get(kind) == _wanted(venv, kind, checkout) and _runs(venv)


def make_ready(venv: Path, *, dev: bool, checkout: Path = CHECKOUT) -> None:
    """Make or bring up to date the environment.

    One whose making was cut short is made anew: pip takes a half-copied package for installed.

    Raises:
        CannotGoOn: Python or pip failed; the message holds all they printed.
    """
    with alone_in(venv.parent):
        if not is_ready(venv, dev=dev, checkout=checkout):
            # Whoever once ran the checks will again; the demo does not take their tools away.
            _make(venv, checkout, dev=dev or "dev" in _stamp(venv))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other set-up works in the folder, nor a pip that outlived a killed one."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.set_inheritable(descriptor, True)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make(venv: Path, checkout: Path, *, dev: bool) -> None:
    under_way = venv / UNDER_WAY
    if under_way.exists() or not _runs(venv) or _has_moved(venv):
        make = [sys.executable, "-m", "venv", "--clear", str(venv)]
        run_showing_progress(f"Making the virtual environment {venv}", make)
    under_way.touch()
    (venv / STAMP).unlink(missing_ok=True)
    _install(venv, checkout, dev=dev)
    # The development requirements hold every one of the runtime's.
    kinds = ("runtime", "dev") if dev else ("runtime",)
    stamp = {"venv": str(venv), **{kind: _wanted(venv, kind, checkout) for kind in kinds}}
    (venv / STAMP).write_text(json.dumps(stamp), encoding="utf-8")
    under_way.unlink()


def _install(venv: Path, checkout: Path, *, dev: bool) -> None:
    requirements = checkout / REQUIREMENTS["dev" if dev else "runtime"]
    pip = [str(venv / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    locked = [*pip, "install", "--progress-bar=off", "--require-hashes", "-r", str(requirements)]
    run_showing_progress(f"Installing {requirements.name}", locked)
    ours = [*pip, "install", "--no-deps", "--no-build-isolation", "--editable", str(checkout)]
    run_showing_progress("Installing geoservices itself", ours)


def _wanted(venv: Path, kind: str, checkout: Path) -> str:
    digest = hashlib.sha256(f"{checkout}\n{venv}\n".encode())
    for name in (REQUIREMENTS[kind], "pyproject.toml"):
        digest.update((checkout / name).read_bytes())
    return digest.hexdigest()


def _stamp(venv: Path) -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return stamp


def _has_moved(venv: Path) -> bool:
    """Say whether the folder was copied here: its scripts still name where it was."""
    return _stamp(venv).get("venv", str(venv)) != str(venv)


def _runs(venv: Path) -> bool:
    """Say whether its Python is there; an upgrade of the system's leaves a dangling link."""
    python = venv / "bin/python"
    if not python.exists() or not (venv / "pyvenv.cfg").exists():
        return False
    # With a stamp, pip was there when all was done; without one it has to be asked.
    if (venv / STAMP).exists():
        return True
    return (
        subprocess.run([python, "-m", "pip", "-V"], capture_output=True, check=False).returncode
        == 0
    )
