"""Deliveries go out."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.deliveries import receipts
from geoservices.deliveries import service as deliveries
from workers import runtime
from workers.app import app

log = structlog.get_logger()


@app.task(name="deliveries.send")
def send(delivery_ids: Sequence[str]) -> None:
    """Make one attempt at each delivery: claim them, push them, settle them.

    The pushes happen between two transactions and never inside one, so that a slow push service
    holds no row locked. Running the job twice is harmless: the second finds nothing to claim.
    """
    settings = runtime.settings()
    with transaction(runtime.sessions()) as session:
        sendings = deliveries.claim(
            session,
            [UUID(delivery_id) for delivery_id in delivery_ids],
            push=settings.push,
            public_url=settings.public_url,
            receipt_key=receipts.receipt_key(settings),
            at=clock.now(),
        )
    if not sendings:
        return
    outcomes = runtime.gateway().send([sending.envelope for sending in sendings])
    with transaction(runtime.sessions()) as session:
        deliveries.settle(
            session,
            list(zip(sendings, outcomes, strict=True)),
            push=settings.push,
            at=clock.now(),
        )
    log.info("deliveries_sent", **Counter(outcome.kind.value for outcome in outcomes))
