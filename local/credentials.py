"""Secrets of the local stack: made once, kept readable by their owner alone."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def keep(path: Path, make: Callable[[], str]) -> str:
    """Read the secret in the file, making it first if there is none yet."""
    if not path.exists():
        write_private(path, make())
    return path.read_text(encoding="ascii")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    half = path.with_name(f"{path.name}.new")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
    half.rename(path)


def new_password() -> str:
    """Make a password that needs no quoting in a URL or a configuration file."""
    return secrets.token_urlsafe(24)
