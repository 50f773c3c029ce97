"""Deliveries go out."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.exc import OperationalError as DatabaseError

from geoservices import clock
from geoservices.database import transaction
from geoservices.deliveries import receipts
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.origins import OriginState, advice
from geoservices.deliveries.service import Sending
from geoservices.push.gateway import Outcome
from workers import runtime
from workers.app import app

log = structlog.get_logger()

PAUSE = timedelta(milliseconds=500)
"""How long to wait for a database that is away before what was sent is written down."""


@app.task(name="deliveries.send")
def send(delivery_ids: Sequence[str]) -> None:
    """Make one attempt at each delivery: claim them, push them, settle them.

    The pushes happen between two transactions and never inside one, so that a slow push service
    holds no row locked. Running the job twice is harmless: the second finds nothing to claim.
    """
    settings, at = runtime.settings(), clock.now()
    with transaction(runtime.delivery_sessions()) as session:
        sendings = deliveries.claim(
            session,
            [UUID(delivery_id) for delivery_id in delivery_ids],
            push=settings.push,
            public_url=settings.public_url,
            receipt_key=receipts.receipt_key(settings),
            at=at,
            commit=True,
        )
    if not sendings:
        return
    outcomes = runtime.gateway().send([sending.envelope for sending in sendings])
    results = list(zip(sendings, outcomes, strict=True))
    for state in _settle(results, before=at + settings.push.lease):
        log.error(
            "push_service_troubled",
            origin=state.origin,
            cause=state.cause,
            closed_until=state.closed_until,
            guarded_until=state.guarded_until,
            last_refusal=state.last_refusal,
            advice=advice(state, at=clock.now()),
        )
    log.info("deliveries_sent", **Counter(outcome.kind.value for outcome in outcomes))


def _settle(results: Sequence[tuple[Sending, Outcome]], *, before: datetime) -> list[OriginState]:
    """Write down how attempts ended, waiting for a database that is away until the lease ends.

    Without this, whatever was accepted while it restarts would be sent a second time.
    """
    while True:
        try:
            with transaction(runtime.delivery_sessions()) as session:
                return deliveries.settle(
                    session, results, push=runtime.settings().push, at=clock.now(), commit=True
                )
        except (psycopg.OperationalError, DatabaseError):
            if clock.now() + PAUSE >= before:
                raise
            time.sleep(PAUSE.total_seconds())
