"""Subscriptions that nobody is behind any more come to an end."""

from uuid import UUID

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.subscriptions import service
from workers import runtime
from workers.app import app

log = structlog.get_logger()

AT_ONCE = 500
"""Subscriptions looked at in one transaction."""


@app.task(name="subscriptions.age_out")
def age_out() -> None:
    """Look through all that were not renewed for long, and end those without a sign of life."""
    after: UUID | None = None
    ended, more = 0, True
    while more:
        with transaction(runtime.sessions()) as session:
            after, count = service.age_out(
                session, push=runtime.settings().push, at=clock.now(), after=after, limit=AT_ONCE
            )
        ended += count
        more = after is not None
    log.info("subscriptions_aged_out", ended=ended)
