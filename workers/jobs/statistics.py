"""Visits are counted."""

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.statistics import queries, service
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="statistics.count_days")
def count_days() -> None:
    """Count each organisation's days that are over, each in its own transaction and only once."""
    with transaction(runtime.sessions()) as session:
        waiting = [organisation.id for organisation in queries.organisations(session)]
    while waiting:
        with transaction(runtime.sessions()) as session:
            counted = service.count_next_day(
                session, waiting[-1], settings=runtime.settings(), at=clock.now()
            )
        if counted is None:
            waiting.pop()
        else:
            log.info("day_counted", organisation=str(waiting[-1]), day=counted.isoformat())


@app.task(name="statistics.count_present")
def count_present() -> None:
    """Count who is at places as of this quarter of an hour."""
    smallest = runtime.settings().statistics.smallest_count
    with transaction(runtime.sessions()) as session:
        told = service.count_present(session, smallest=smallest, at=clock.now())
    log.info("present_counted", places=told)
