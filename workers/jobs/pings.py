"""Old positions go."""

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.pings import queries
from workers import runtime
from workers.app import app

log = structlog.get_logger()

AT_ONCE = 10_000
"""Positions deleted in one transaction: a backlog of millions goes, a bit at a time."""


@app.task(name="pings.prune")
def prune() -> None:
    """Delete positions older than the retention, however many there are."""
    kept_since = clock.now() - runtime.settings().intake.ping_retention
    total = 0
    gone = AT_ONCE
    while gone == AT_ONCE:
        with transaction(runtime.sessions()) as session:
            gone = queries.prune(session, received_before=kept_since, limit=AT_ONCE)
        total += gone
    log.info("positions_pruned", rows=total)
