"""Feeds of events are fetched, and what they say is made so."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from celery.exceptions import SoftTimeLimitExceeded

from geoservices.database import is_away
from geoservices.feeds import running
from geoservices.feeds.models import FeedRun
from workers import runtime
from workers.app import app

log = structlog.get_logger()

LONGEST_RUN = runtime.settings().feeds.longest_run
TO_GIVE_UP = timedelta(seconds=30)
"""What is left of the time for writing down that a run took too long."""


@app.task(
    name="feeds.run",
    soft_time_limit=int(LONGEST_RUN.total_seconds()),
    time_limit=int((LONGEST_RUN + TO_GIVE_UP).total_seconds()),
)
def run(feed_ids: Sequence[str]) -> None:
    """Run feeds, one after the other. Whoever has one already is let finish it.

    The relay sends one feed a job, so the limit is that of one run.
    """
    for feed_id in feed_ids:
        done = _run(UUID(feed_id))
        if done is not None:
            log.info(
                "feed_run",
                feed_id=feed_id,
                run_id=str(done.id),
                state=done.state,
                reason=done.reason,
                faults=done.fault_count,
                **done.counts,
            )


def _run(feed_id: UUID) -> FeedRun | None:
    try:
        return running.run(runtime.sessions(), runtime.feed_fetcher(), feed_id)
    except SoftTimeLimitExceeded:
        log.warning("feed_took_too_long", feed_id=str(feed_id))
        reason = running.TOO_MUCH
    except Exception as error:
        if is_away(error):
            raise
        log.exception("feed_failed", feed_id=str(feed_id), error=type(error).__name__)
        reason = running.OUR_FAULT
    running.give_up(runtime.sessions(), feed_id, reason=reason)
    return None
