"""A stage: one made-up country in one database, served by two API processes, and what it takes in.

Whatever is measured on a stage is checked against its database: every ping that was answered is
there, once, and so is every transition.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import psutil
import psycopg

from bench.database import Server, migrate
from bench.ingest_errands import Gait
from bench.ingest_load import Load, drive
from bench.ingest_service import Application, applications, cores, cpu_s
from bench.ingest_walks import PERIOD_S, Walks
from bench.planar import make_fences
from bench.world import World, make_world
from geoservices import clock

OLDEST = timedelta(days=6, hours=12)
"""Walks begin this long ago: pings older than seven days are refused."""
PREPARED_RATE = 200_000
PREPARED_REQUESTS = 20_000
"""At most so many pings and requests a second are made before the clock starts; more as it runs."""

TWICE = """
SELECT count(*) FROM (
  SELECT FROM pings GROUP BY device_id, recorded_at, id HAVING count(*) > 1
) AS twice
"""


PEER_TABLES = """
CREATE TABLE peer.pings (
  device_id uuid, recorded_at timestamptz, id uuid, lon float8, lat float8, accuracy_m float8,
  PRIMARY KEY (device_id, recorded_at, id)
);
CREATE TABLE peer.inside (device_id uuid, fence_id uuid, PRIMARY KEY (device_id, fence_id));
CREATE TABLE peer.events (device_id uuid, fence_id uuid, entered bool, at timestamptz);
"""
"""What peers need beside the planar areas and our tables, whose tokens they share."""


class NotTheTruth(Exception):
    """The database does not hold what the answers said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How many of the cores each part kept busy."""

    api: float
    postgres: float
    generator: float

    def told(self) -> dict[str, object]:
        """Return them for a figure."""
        return {
            "cores_api": round(self.api, 2),
            "cores_postgres": round(self.postgres, 2),
            "cores_generator": round(self.generator, 3),
        }


@dataclass(slots=True, kw_only=True)
class Stage:
    """A database with a world in it, and who serves it."""

    server: Server
    url: str
    world: World
    connection: psycopg.Connection
    rng: np.random.Generator
    next_walk: datetime
    """When the next walks may begin: after all that were walked before."""
    accepted: int = 0
    transitions: int = 0

    @contextmanager
    def serve(self, name: str = "api.main:app") -> Iterator[list[Application]]:
        """Have processes of an application for the block, each with every geofence in memory."""
        with applications(name, self.url, self.server.folder) as served:
            yield served

    def walks(self, gait: Gait, *, steps: int, devices: int) -> Walks:
        """Lay out walks of the first so many devices, later than all before."""
        left = clock.now() - self.next_walk
        return Walks.lay_out(
            self.world.curve.walks(self.world.starts[:devices], gait, steps),
            self.world.tokens[:devices],
            pings=int(left.total_seconds()) // PERIOD_S,
            since=self.next_walk,
            rng=self.rng,
        )

    def done_with(self, walks: Walks) -> None:
        """Let the next walks begin when these ended."""
        walked = timedelta(seconds=PERIOD_S * int(walks.sent.max()))
        self.next_walk += walked + timedelta(minutes=1)

    def drive(
        self,
        served: list[Application],
        walks: Walks,
        *,
        connections: int,
        size: int,
        seconds: float,
        path: str = "/v1/pings",
        unprepared: bool = False,
    ) -> tuple[Load, Shares]:
        """Drive processes for a while and note what they answered.

        Args:
            served: The processes.
            walks: Whose pings are sent.
            connections: How many requests are under way.
            size: Pings in a request.
            seconds: For how long.
            path: Where they are sent.
            unprepared: Neither make a checkpoint before, nor any request.

        Raises:
            NotTheTruth: A ping was not accepted.
        """
        if not unprepared:
            self.connection.execute("CHECKPOINT")
        parts = {
            "api": [psutil.Process(one.process.pid) for one in served],
            "postgres": [self.server.process()],
        }
        before = {name: cpu_s(processes) for name, processes in parts.items()}
        prepared = seconds * min(PREPARED_RATE / size, PREPARED_REQUESTS)
        load = drive(
            [one.port for one in served],
            walks,
            connections=connections,
            size=size,
            seconds=seconds,
            path=path,
            ahead=0 if unprepared else int(prepared),
        )
        busy = {
            name: cores(before[name], cpu_s(processes), load.elapsed_s)
            for name, processes in parts.items()
        }
        if load.accepted != load.requests * size:
            raise NotTheTruth(f"{load.requests * size} pings sent, {load.accepted} accepted")
        if path in {"/v1/pings", "/own"}:
            self.accepted += load.accepted
            self.transitions += load.transitions
        return load, Shares(**busy, generator=load.generator_s / load.elapsed_s)

    def settle(self) -> None:
        """Have the tables looked at, as autovacuum does within minutes of a start.

        Until then statements are run as was best while the tables were empty.
        """
        self.connection.execute("ANALYZE")

    def check(self) -> None:
        """Compare the database with all the answers.

        Raises:
            NotTheTruth: A ping or a transition is missing, or there is one too many.
        """
        answered = {"pings": self.accepted, "transitions": self.transitions}
        stored = {
            "pings": self._count("SELECT count(*) FROM pings"),
            "transitions": self._count("SELECT count(*) FROM transitions"),
        }
        self.connection.execute("SET work_mem = '1GB'")
        twice = self._count(TWICE)
        if stored != answered or twice:
            raise NotTheTruth(f"answered {answered}, stored {stored}, {twice} of them twice")

    def _count(self, query: str) -> int:
        row = self.connection.execute(query.encode()).fetchone()
        return 0 if row is None else int(row[0])


@contextmanager
def stage(server: Server, *, size: int, devices: int, seed: int) -> Iterator[Stage]:
    """Make a database with a world in it for the block.

    Args:
        server: Where.
        size: How many geofences.
        devices: How many.
        seed: The same seed, the same world and the same walks.
    """
    url = server.database(f"bench_{size}_{int(time.time())}")
    migrate(url)
    rng = np.random.default_rng(seed)
    since = clock.now() - OLDEST
    with psycopg.connect(url, autocommit=True) as connection:
        world = make_world(connection, size=size, devices=devices, rng=rng, at=since)
        make_fences(connection)
        connection.execute(PEER_TABLES.encode())
        yield Stage(
            server=server,
            url=url,
            world=world,
            connection=connection,
            rng=rng,
            next_walk=since + timedelta(minutes=1),
        )
