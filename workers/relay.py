"""The relay: `python -m workers.relay` hands what is due in the database to the jobs.

It wakes when a transaction rings (NOTIFY) and once a second anyway. Ids alone travel, many a
job. What it hands out comes due again after a lease, so a lost broker, job or relay costs time
and nothing else. Any number of relays may run.
"""

import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import FrameType
from typing import Protocol, TypeVar
from uuid import UUID

import psycopg
import structlog
from amqp.exceptions import AMQPError
from kombu.exceptions import KombuError
from psycopg import sql
from sqlalchemy.exc import OperationalError as DatabaseError
from sqlalchemy.orm import Session

from geoservices import clock, logs, outbox
from geoservices.campaigns import replaying_queries as replays
from geoservices.campaigns import run_queries as runs
from geoservices.campaigns import waiting_queries as held_messages
from geoservices.campaigns.replays import LEASE as REPLAY_LEASE
from geoservices.campaigns.running import LEASE as RUN_LEASE
from geoservices.database import DatabaseRole, SessionFactory, acting_as, transaction
from geoservices.deliveries.lane_queries import BroadcastLane, SingleLane
from geoservices.erasures import queries as erasures
from geoservices.erasures.service import LEASE as ERASURE_LEASE
from geoservices.exports import queries as exports
from geoservices.exports.service import LEASE as EXPORT_LEASE
from geoservices.feeds import queries as feeds
from geoservices.feeds.running import LEASE as FEED_LEASE
from geoservices.imports import queries as imports
from geoservices.imports.service import LEASE as IMPORT_LEASE
from geoservices.letters import queries as letters
from geoservices.settings.sending import BROADCASTS_A_JOB, DELIVERIES_A_JOB, LETTERS_A_JOB
from workers import runtime
from workers.app import app

Id = TypeVar("Id", bound=int | UUID)

log = structlog.get_logger()

BROKER_ERRORS = (KombuError, AMQPError, OSError)
"""Whatever a broker that is away, full or unwilling may raise."""
AT_ONCE = 100
"""Ids a job: a job costs about a millisecond whatever it carries."""
SWEEP = timedelta(seconds=1)
"""How often to look without having been rung for."""
PAUSE = timedelta(seconds=1)
"""How long to wait after the database or the broker failed."""


def main() -> None:
    """Relay until told to stop by SIGTERM or SIGINT."""
    logs.configure()
    settings = runtime.settings()
    relay = Relay(
        runtime.sessions(),
        outbox_lease=settings.outbox_lease,
        push_lease=settings.push.lease,
        mail_lease=settings.mail.lease,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, relay.stop)
    relay.run(settings.database_url.get_secret_value())


class Queue(Protocol[Id]):
    """The queries of a noun whose rows fall due."""

    def hand_out(self, session: Session, *, at: datetime, lease: timedelta, limit: int) -> list[Id]:
        """Take due rows and make them due again after the lease."""

    def put_back(self, session: Session, ids: Sequence[Id], *, at: datetime) -> None:
        """Make rows due at once."""


@dataclass(slots=True)
class Relay:
    """Hands out whatever is due, from messages to feeds, until stopped."""

    sessions: SessionFactory
    outbox_lease: timedelta
    push_lease: timedelta
    mail_lease: timedelta
    singles: SingleLane = field(default_factory=SingleLane)
    broadcasts: BroadcastLane = field(default_factory=BroadcastLane)
    stopped: bool = False

    def stop(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Stop after the round under way."""
        self.stopped = True

    def run(self, database_url: str) -> None:
        """Listen and relay; when a server goes away, wait for it and go on."""
        log.info("relay_started")
        while not self.stopped:
            try:
                with psycopg.connect(
                    database_url, autocommit=True, options=acting_as(DatabaseRole.SERVICE)
                ) as listening:
                    listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(outbox.CHANNEL)))
                    self._relay_while(listening)
            except (psycopg.OperationalError, DatabaseError, *BROKER_ERRORS) as error:
                log.warning("relay_waits", error=type(error).__name__)
                time.sleep(PAUSE.total_seconds())
        log.info("relay_stopped")

    def relay_once(self) -> int:
        """Hand out one round of what is due and return how many ids that were."""
        return (
            self._ring("campaigns.decide", outbox, lease=self.outbox_lease, limit=AT_ONCE)
            + self._ring("campaigns.release", held_messages, lease=self.outbox_lease, limit=AT_ONCE)
            + self._ring(
                "deliveries.send", self.singles, lease=self.push_lease, limit=DELIVERIES_A_JOB
            )
            + self._ring(
                "deliveries.send", self.broadcasts, lease=self.push_lease, limit=BROADCASTS_A_JOB
            )
            + self._ring("campaigns.run", runs, lease=RUN_LEASE, limit=1)
            + self._ring("letters.send", letters, lease=self.mail_lease, limit=LETTERS_A_JOB)
            + self._ring("exports.write", exports, lease=EXPORT_LEASE, limit=1)
            + self._ring("erasures.carry_out", erasures, lease=ERASURE_LEASE, limit=1)
            + self._ring("imports.carry_out", imports, lease=IMPORT_LEASE, limit=1)
            + self._ring("feeds.run", feeds, lease=FEED_LEASE, limit=1)
            + self._ring("replays.carry_out", replays, lease=REPLAY_LEASE, limit=1)
        )

    def _relay_while(self, listening: psycopg.Connection) -> None:
        while not self.stopped:
            while self.relay_once() and not self.stopped:
                pass
            for _bell in listening.notifies(timeout=SWEEP.total_seconds(), stop_after=1):
                break

    def _ring(self, job: str, queue: Queue[Id], *, lease: timedelta, limit: int) -> int:
        """Publish a job with what is due; if the broker is away it is due again at once."""
        with transaction(self.sessions) as session:
            ids = queue.hand_out(session, at=clock.now(), lease=lease, limit=limit)
        if not ids:
            return 0
        told = [str(id_) if isinstance(id_, UUID) else id_ for id_ in ids]
        try:
            # While no worker is there, copies handed out after each lease do not pile up.
            app.send_task(job, [told], expires=lease.total_seconds())
        except BROKER_ERRORS:
            with transaction(self.sessions) as session:
                queue.put_back(session, ids, at=clock.now())
            raise
        return len(ids)


if __name__ == "__main__":
    main()
