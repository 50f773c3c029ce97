"""A PostgreSQL of the bench's own, as durable as in earnest, with the service's schema."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import psutil
from alembic import command
from alembic.config import Config

from local import postgres
from local.cluster import Cluster, open_cluster, remove_cluster
from local.configuration import CHECKOUT, free_port
from local.stack import clear_away

SETTINGS = {
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "5min",
    "jit": "off",
    "random_page_cost": "1.1",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}
"""What the private server is told; all else is PostgreSQL's default, autovacuum among it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running PostgreSQL with PostGIS, and the folder for what is printed."""

    cluster: Cluster
    port: int
    folder: Path

    def database(self, name: str) -> str:
        """Make a database and return its URL."""
        return postgres.create_database(self.cluster, port=self.port, name=name)

    def process(self) -> psutil.Process:
        """Return the server's first process, the parent of all that serve a connection."""
        first_line = (self.cluster.data / "postmaster.pid").read_text("ascii").splitlines()[0]
        return psutil.Process(int(first_line))


@contextmanager
def database_server(**other: str) -> Iterator[Server]:
    """Serve a cluster of the bench's own for the block, and leave nothing of it behind.

    What it is told goes to stderr.

    Args:
        other: What it is told beside `SETTINGS`, or instead of some of them.
    """
    settings = {**SETTINGS, **other}
    print("PostgreSQL: " + ", ".join(map(" = ".join, settings.items())), file=sys.stderr)
    port = free_port()
    with database_folder() as folder:
        cluster = open_cluster(folder)
        with (cluster.data / "postgresql.conf").open("a", encoding="ascii") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        with postgres.serving(cluster, port=port, log=folder / "postgres.log", mark={}):
            yield Server(cluster=cluster, port=port, folder=folder)


@contextmanager
def database_folder() -> Iterator[Path]:
    """Have a folder in which a cluster may be made, for the block alone."""
    folder = Path(mkdtemp(prefix="geoservices-bench-")).resolve()
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        clear_away(folder)
        remove_cluster(folder)
        rmtree(folder)


def migrate(url: str) -> None:
    """Bring a database to today's schema."""
    os.environ["GEOSERVICES_DATABASE_URL"] = url
    command.upgrade(Config(CHECKOUT / "alembic.ini"), "head")
