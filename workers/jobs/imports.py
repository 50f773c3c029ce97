"""Tasks that other systems bring are taken in."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from geoservices.imports import service
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="imports.carry_out")
def carry_out(import_ids: Sequence[str]) -> None:
    """Work through imports. Run twice, the second run passes over what the first one is at."""
    done = [
        import_id
        for import_id in import_ids
        if service.carry_out(runtime.sessions(), UUID(import_id))
    ]
    log.info("imports_done", imports=len(done))
