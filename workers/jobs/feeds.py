"""Feeds of events are fetched, and what they say is made so."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from geoservices.feeds import running
from geoservices.feeds.models import FeedRun
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="feeds.run")
def run(feed_ids: Sequence[str]) -> None:
    """Run feeds, one after the other. Whoever has one already is let finish it."""
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
    except Exception as error:
        log.exception("feed_failed", feed_id=str(feed_id), error=type(error).__name__)
        # If the database is away, this fails as well and ends the job.
        running.give_up(runtime.sessions(), feed_id)
        return None
