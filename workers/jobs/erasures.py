"""People are erased, and taken off the list of who was when no backup knows them any more."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.erasures import queries, service
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="erasures.carry_out")
def carry_out(erasure_ids: Sequence[str]) -> None:
    """Erase people step by step; a second run passes over what a first one is at."""
    for erasure_id in erasure_ids:
        rows = service.carry_out(runtime.sessions(), UUID(erasure_id))
        if rows is not None:
            log.info("person_erased", rows=rows)


@app.task(name="erasures.forget")
def forget() -> None:
    """Take off the list who was erased longer ago than any backup was made."""
    before = clock.now() - runtime.settings().rights.erasures_kept
    with transaction(runtime.sessions()) as session:
        forgotten = queries.forget(session, done_before=before)
    log.info("erasures_forgotten", erasures=forgotten)
