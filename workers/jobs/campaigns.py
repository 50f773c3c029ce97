"""Campaigns decide."""

from collections.abc import Sequence

import structlog

from geoservices import clock, pipeline
from geoservices.database import transaction
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="campaigns.decide")
def decide(message_ids: Sequence[int]) -> None:
    """Let the campaigns decide on what these outbox messages tell of."""
    with transaction(runtime.sessions()) as session:
        made = pipeline.decide(session, message_ids, settings=runtime.settings(), at=clock.now())
    log.info("campaigns_decided", messages=len(message_ids), notifications=len(made))
