"""What was spent and given back is forgotten."""

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.limiting import queries
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="limiting.forget")
def forget() -> None:
    """Forget whoever has not asked for anything lately."""
    with transaction(runtime.sessions()) as session:
        forgotten = queries.forget(session, at=clock.now())
    log.info("spendings_forgotten", forgotten=forgotten)
