"""Copies of what is held about people are written, and deleted in due time."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.exports import service
from workers import runtime
from workers.app import app

log = structlog.get_logger()

AT_ONCE = 20
"""Exports deleted in one transaction."""


@app.task(name="exports.write")
def write(export_ids: Sequence[str]) -> None:
    """Write exports. Run twice, the second run passes over what the first one is writing."""
    rights = runtime.settings().rights
    ready = [
        export_id
        for export_id in export_ids
        if service.write(runtime.sessions(), UUID(export_id), rights=rights)
    ]
    log.info("exports_written", exports=len(ready))


@app.task(name="exports.delete_expired")
def delete_expired() -> None:
    """Delete the exports whose time is over, with their files."""
    deleted, more = 0, True
    while more:
        with transaction(runtime.sessions()) as session:
            gone = service.delete_expired(session, at=clock.now(), limit=AT_ONCE)
        deleted += gone
        more = gone == AT_ONCE
    log.info("exports_deleted", exports=deleted)
