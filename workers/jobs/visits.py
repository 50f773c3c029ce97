"""Time passes for visits."""

from geoservices import clock, pipeline
from geoservices.database import transaction
from workers import runtime
from workers.app import app

AT_ONCE = 500
"""Visits looked at in one transaction."""


@app.task(name="visits.let_time_pass")
def let_time_pass() -> None:
    """Let dwelling, exits confirmed by time and silence happen to the visits that are due."""
    looked_at = AT_ONCE
    while looked_at == AT_ONCE:
        with transaction(runtime.sessions()) as session:
            looked_at = pipeline.let_time_pass(
                session, settings=runtime.settings(), at=clock.now(), limit=AT_ONCE
            )
