"""Old positions go."""

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.pings import queries
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="pings.prune")
def prune() -> None:
    """Delete positions older than the retention."""
    kept_since = clock.now() - runtime.settings().intake.ping_retention
    with transaction(runtime.sessions()) as session:
        gone = queries.prune(session, received_before=kept_since)
    log.info("positions_pruned", rows=gone)
