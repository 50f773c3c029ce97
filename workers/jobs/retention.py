"""What has been kept for long enough goes."""

import structlog

from geoservices import clock
from geoservices.retention import service
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="retention.apply")
def apply() -> None:
    """Delete what is over by the settings, in small transactions; again deletes nothing twice."""
    gone = service.apply(runtime.sessions(), settings=runtime.settings(), at=clock.now())
    log.info("retention_applied", **gone)
