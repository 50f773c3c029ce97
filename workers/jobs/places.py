"""Sensitive places are guarded."""

import structlog

from geoservices import clock, guarding
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="places.guard")
def guard() -> None:
    """Let marks of sensitive places begin and end, and erase what was known of being there."""
    guarded = guarding.guard(runtime.sessions(), at=clock.now())
    if guarded.changed or guarded.devices:
        log.info("places_guarded", marks_changed=guarded.changed, devices=guarded.devices)
