"""Deliveries go out."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.deliveries import origin_queries, receipts
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.origins import OriginState, advice
from geoservices.deliveries.service import Sending
from geoservices.push.gateway import Outcome
from workers import runtime
from workers.app import app
from workers.patience import write_down

log = structlog.get_logger()

IDLE = timedelta(days=30)
"""A push service that was not pushed to for this long is forgotten until it is."""


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
    for state in write_down(lambda: _settle(results), before=at + settings.push.lease):
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


@app.task(name="deliveries.forget_origins")
def forget_origins() -> None:
    """Forget how push services stood that nothing was pushed to for long."""
    with transaction(runtime.sessions()) as session:
        forgotten = origin_queries.forget_idle_origins(session, since=clock.now() - IDLE)
    log.info("push_services_forgotten", forgotten=forgotten)


def _settle(results: Sequence[tuple[Sending, Outcome]]) -> list[OriginState]:
    with transaction(runtime.delivery_sessions()) as session:
        return deliveries.settle(
            session, results, push=runtime.settings().push, at=clock.now(), commit=True
        )
