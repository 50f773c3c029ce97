"""A data folder for a stack of one's own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.cluster import open_cluster, remove_cluster
from local.stack import clear_away


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that the server's user can enter (pytest's own are closed) for the block."""
    folder = Path(tempfile.mkdtemp(prefix="geoservices-local-")).resolve()
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        clear_away(folder)
        remove_cluster(folder)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def fresh_cluster() -> Iterator[Path]:
    """A cluster that was just made; copying it is quicker than making another."""
    with open_folder() as folder:
        yield open_cluster(folder, throw_away=True).home


@pytest.fixture
def empty_dir() -> Iterator[Path]:
    """A data folder in which nothing has happened yet."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def data_dir(empty_dir: Path, fresh_cluster: Path) -> Path:
    """A data folder with a fresh cluster."""
    subprocess.run(["cp", "-a", fresh_cluster, empty_dir / "postgres"], check=True)
    return empty_dir
