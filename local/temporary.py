"""A stack's folder, ports and servers that are nobody else's, and gone afterwards."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from local.cluster import remove_cluster
from local.configuration import Configuration, free_port
from local.console import CannotGoOn
from local.ownership import holding
from local.stack import clear_away, servers

ABANDONED_AFTER_S = 60.0
"""A folder this old that nobody owns belongs to a run that was killed."""


@contextmanager
def temporary_servers(prefix: str) -> Iterator[tuple[Configuration, dict[str, str]]]:
    """Have a database and a broker in a temporary folder for the block.

    Args:
        prefix: What the folder's name begins with, by which a later run knows and deletes what a
            killed one left.

    Yields:
        Where the folder and its ports are, and the environment of the service's processes.
    """
    _remove_abandoned(prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    # The server's user passes through to its cluster; everything else in it stays closed.
    folder.chmod(0o711)
    configuration = Configuration(
        data_dir=folder,
        database_port=free_port(),
        broker_port=free_port(),
        api_port=free_port(),
        push_port=free_port(),
        database_url=None,
        broker_url=None,
    )
    with holding(folder):
        try:
            with servers(configuration, throw_away=True) as env:
                yield configuration, env
        finally:
            remove_data(folder)


def remove_data(folder: Path) -> None:
    """Delete a data folder with its cluster, and stop what is left of its stack."""
    clear_away(folder)
    remove_cluster(folder)
    shutil.rmtree(folder)


def _remove_abandoned(prefix: str) -> None:
    for folder in Path(tempfile.gettempdir()).resolve().glob(f"{prefix}*"):
        with suppress(CannotGoOn, FileNotFoundError):
            state = folder.stat()
            if state.st_uid == os.geteuid() and time.time() - state.st_mtime > ABANDONED_AFTER_S:
                with holding(folder):
                    remove_data(folder)
