"""Files leave the store: what was removed at once, what nobody knows of once a day."""

import structlog

from geoservices.files import service
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="files.remove")
def remove() -> None:
    """Remove from the store what was removed; what it does not take is tried again."""
    removed = service.carry_out_removals(runtime.sessions(), runtime.files())
    if removed:
        log.info("files_removed", files=removed)


@app.task(name="files.sweep")
def sweep() -> None:
    """Remove from the store what no row speaks of, and count what is missing there."""
    swept = service.sweep(runtime.sessions(), runtime.files())
    log.info("files_swept", removed=swept.removed, missing=swept.missing)
