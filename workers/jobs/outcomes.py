"""What came of campaigns is counted."""

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.outcomes import counting, queries
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="outcomes.count")
def count() -> None:
    """Count each campaign's rounds that are over, each in its own transaction and only once."""
    with transaction(runtime.sessions()) as session:
        waiting = list(queries.uncounted(session))
    while waiting:
        with transaction(runtime.sessions()) as session:
            counted = counting.count_next_round(
                session, waiting[-1], settings=runtime.settings(), at=clock.now()
            )
        if counted is None:
            waiting.pop()
        else:
            log.info("round_counted", campaign=str(waiting[-1]), number=counted.number)
