"""Work ends, and being located for it."""

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.shifts import service
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="shifts.end_work")
def end_work() -> None:
    """End the visits of members whose working hours are over; again ends none twice."""
    with transaction(runtime.sessions()) as session:
        devices = service.end_work(session, presence=runtime.settings().presence, at=clock.now())
    if devices:
        log.info("work_ended", devices=devices)
