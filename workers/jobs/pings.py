"""Old positions go, and there is always a place for new ones."""

import structlog

from geoservices import clock
from geoservices.pings import service
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="pings.prune")
def prune() -> None:
    """Make the partitions that are missing, and drop what is older than the retention."""
    settings = runtime.settings().intake
    kept = service.keep_partitions(
        runtime.owner_sessions(), at=clock.now(), retention=settings.ping_retention
    )
    log.info(
        "positions_pruned",
        partitions_made=kept.made,
        partitions_dropped=kept.dropped,
        partitions_waiting=kept.waiting,
    )
