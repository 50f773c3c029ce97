"""What a worker process of `campaigns.decide` does: the job's own function, on what is due."""

import time

import structlog
from sqlalchemy import func, select

from geoservices import clock, outbox
from geoservices.campaigns.models import Decision
from geoservices.database import transaction
from geoservices.outbox import OutboxMessage
from workers import runtime
from workers.jobs import campaigns as jobs
from workers.relay import AT_ONCE


class Undecided(Exception):
    """What was to be decided was not."""


def decide_all() -> tuple[float, int, int]:
    """Decide on all that waits, as many messages at a time as the relay hands out.

    Returns:
        How many seconds the job took in all, how many decisions it recorded, and how many tell.

    Raises:
        Undecided: The job put a message off, because it could not be decided on.
    """
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    before = _count()
    seconds = 0.0
    while ids := _hand_out():
        began = time.perf_counter()
        jobs.decide(ids)
        seconds += time.perf_counter() - began
    with transaction(runtime.sessions()) as session:
        if left := session.scalar(select(func.count()).select_from(OutboxMessage)):
            raise Undecided(f"{left} messages are left")
    after = _count()
    return seconds, after[0] - before[0], after[1] - before[1]


def _hand_out() -> list[int]:
    lease = runtime.settings().outbox_lease
    with transaction(runtime.sessions()) as session:
        return outbox.DUE.hand_out(session, at=clock.now(), lease=lease, limit=AT_ONCE)


def _count() -> tuple[int, int]:
    told = func.count().filter(Decision.gate.is_(None))
    with transaction(runtime.sessions()) as session:
        decided, sent = session.execute(select(func.count(), told).select_from(Decision)).one()
    return decided, sent
