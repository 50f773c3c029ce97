"""The ends of the audit log's chains are told to the log of lines, and old entries go."""

import structlog

from geoservices import clock
from geoservices.audit import service
from geoservices.database import transaction
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="audit.tell_heads")
def tell_heads() -> None:
    """Log where each chain ends, so that what is cut off or rewritten later does not fit."""
    with transaction(runtime.sessions()) as session:
        chains = service.heads(session)
    for chain in chains:
        log.info(
            "audit_head", chain=str(chain.id), number=chain.head.number, hash=chain.head.hash.hex()
        )


@app.task(name="audit.prune")
def prune() -> None:
    """Remove what is older than the retention from the beginning of each chain."""
    before = clock.now() - runtime.settings().audit.retention
    log.info("audit_pruned", entries=service.prune_all(runtime.sessions(), before=before))
