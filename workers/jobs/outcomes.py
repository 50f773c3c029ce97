"""What came of campaigns is counted."""

from uuid import UUID

import structlog

from geoservices import clock
from geoservices.database import is_away, transaction
from geoservices.outcomes import counting, queries
from geoservices.outcomes.models import CampaignRound
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="outcomes.count")
def count() -> None:
    """Count each campaign's rounds that are over, each in its own transaction and only once.

    One that cannot be counted keeps nobody from counting the others, and is tried again tomorrow.
    """
    with transaction(runtime.sessions()) as session:
        waiting = list(queries.uncounted(session))
    while waiting:
        counted = _count_next(waiting[-1])
        if counted is None:
            waiting.pop()
        else:
            log.info("round_counted", campaign=str(waiting[-1]), number=counted.number)


def _count_next(campaign_id: UUID) -> CampaignRound | None:
    try:
        with transaction(runtime.sessions()) as session:
            return counting.count_next_round(
                session, campaign_id, settings=runtime.settings(), at=clock.now()
            )
    except Exception as error:
        if is_away(error):
            raise
        log.exception("round_failed", campaign=str(campaign_id), error=type(error).__name__)
        return None
