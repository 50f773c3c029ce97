"""The relay: `python -m workers.relay` hands what is due in the database to the jobs.

It wakes when a transaction rings (NOTIFY) and once a second anyway. Ids alone travel, many a
job. What it hands out comes due again after a lease, so a lost broker, job or relay costs time
and nothing else. Any number of relays may run.
"""

import signal
import time
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from types import FrameType
from typing import Any, Generic, Protocol
from uuid import UUID

import psycopg
import structlog
from amqp.exceptions import AMQPError
from kombu.exceptions import KombuError
from psycopg import sql
from sqlalchemy.exc import OperationalError as DatabaseError
from sqlalchemy.orm import Session

from geoservices import clock, logs, outbox
from geoservices.campaigns import replays, run_queries, waiting_lanes
from geoservices.campaigns.running import LEASE as RUN_LEASE
from geoservices.database import SessionFactory, connect, transaction
from geoservices.deliveries.lane_queries import BehindRuns
from geoservices.deliveries.lanes import BROADCASTS, RETRIES, SINGLES
from geoservices.erasures import queries as erasures
from geoservices.erasures.service import LEASE as ERASURE_LEASE
from geoservices.exports import service as exports
from geoservices.feeds import queries as feeds
from geoservices.feeds.running import LEASE as FEED_LEASE
from geoservices.imports import service as imports
from geoservices.leasing.queries import Id, Paced
from geoservices.letters import queries as letters
from geoservices.settings.sending import BROADCASTS_A_JOB, DELIVERIES_A_JOB, LETTERS_A_JOB
from workers import runtime
from workers.app import app

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


class Handing(Protocol[Id]):
    """A queue, which may keep to a pace of its own."""

    def hand_out(self, session: Session, *, at: datetime, lease: timedelta, limit: int) -> list[Id]:
        """Take due rows and make them due again after the lease."""

    def put_back(self, session: Session, ids: Sequence[Id], *, at: datetime) -> None:
        """Make rows due at once."""


@dataclass(frozen=True, slots=True)
class Bell(Generic[Id]):
    """What falls due of one kind, and the job that it is rung for with up to `limit` ids."""

    job: str
    queue: Handing[Id]
    lease: timedelta
    limit: int = 1


@dataclass(slots=True)
class Relay:
    """Hands out whatever is due, from messages to feeds, until stopped."""

    sessions: SessionFactory
    outbox_lease: InitVar[timedelta]
    push_lease: InitVar[timedelta]
    mail_lease: InitVar[timedelta]
    bells: tuple[Bell[Any], ...] = field(init=False)
    stopped: bool = False

    def __post_init__(
        self, outbox_lease: timedelta, push_lease: timedelta, mail_lease: timedelta
    ) -> None:
        """Have a bell for each kind."""
        self.bells = (
            Bell("campaigns.decide", Paced(outbox.DUE), outbox_lease, AT_ONCE),
            Bell("campaigns.release", Paced(waiting_lanes.SINGLES), outbox_lease, AT_ONCE),
            Bell("deliveries.send", SINGLES, push_lease, DELIVERIES_A_JOB),
            Bell("deliveries.send", Paced(RETRIES), push_lease, DELIVERIES_A_JOB),
            Bell("deliveries.send", BehindRuns(Paced(BROADCASTS)), push_lease, BROADCASTS_A_JOB),
            Bell("campaigns.run", run_queries.DUE, RUN_LEASE),
            Bell(
                "campaigns.release",
                Paced(waiting_lanes.BROADCASTS),
                outbox_lease,
                waiting_lanes.A_JOB,
            ),
            Bell("letters.send", Paced(letters.DUE), mail_lease, LETTERS_A_JOB),
            Bell("erasures.carry_out", erasures.DUE, ERASURE_LEASE),
            Bell("feeds.run", feeds.DUE, FEED_LEASE),
            Bell("exports.write", exports.WORK.queue, exports.WORK.lease),
            Bell("imports.carry_out", imports.WORK.queue, imports.WORK.lease),
            Bell("replays.carry_out", replays.WORK.queue, replays.WORK.lease),
        )

    def stop(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Stop after the round under way."""
        self.stopped = True

    def run(self, database_url: str) -> None:
        """Listen and relay; when a server goes away, wait for it and go on."""
        log.info("relay_started")
        while not self.stopped:
            try:
                with connect(database_url) as listening:
                    listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(outbox.CHANNEL)))
                    self._relay_while(listening)
            except (psycopg.OperationalError, DatabaseError, *BROKER_ERRORS) as error:
                log.warning("relay_waits", error=type(error).__name__)
                time.sleep(PAUSE.total_seconds())
        log.info("relay_stopped")

    def relay_once(self) -> int:
        """Hand out one round of what is due and return how many ids that were."""
        return sum(self._ring(bell) for bell in self.bells)

    def _relay_while(self, listening: psycopg.Connection) -> None:
        while not self.stopped:
            while self.relay_once() and not self.stopped:
                pass
            for _bell in listening.notifies(timeout=SWEEP.total_seconds(), stop_after=1):
                break

    def _ring(self, bell: Bell[Any]) -> int:
        """Publish a job with what is due; if the broker is away it is due again at once."""
        with transaction(self.sessions) as session:
            ids = bell.queue.hand_out(session, at=clock.now(), lease=bell.lease, limit=bell.limit)
        if not ids:
            return 0
        told = [str(id_) if isinstance(id_, UUID) else id_ for id_ in ids]
        try:
            # While no worker is there, copies handed out after each lease do not pile up.
            app.send_task(bell.job, [told], expires=bell.lease.total_seconds())
        except BROKER_ERRORS:
            with transaction(self.sessions) as session:
                bell.queue.put_back(session, ids, at=clock.now())
            raise
        return len(ids)


if __name__ == "__main__":
    main()
