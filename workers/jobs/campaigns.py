"""Campaigns decide."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from geoservices import broadcasting, clock, pipeline
from geoservices.campaigns import beginning, running
from geoservices.campaigns.models import HeldMessage
from geoservices.database import is_away, transaction
from geoservices.leasing.queries import put_off
from geoservices.outbox import OutboxMessage
from workers import runtime
from workers.app import app

log = structlog.get_logger()

A_TURN: Final = timedelta(milliseconds=250)
"""So long a run keeps a worker from all else."""
AT_ONCE: Final = 50
"""Timetables looked at in one transaction."""


@app.task(name="campaigns.decide")
def decide(message_ids: Sequence[int]) -> None:
    """Let the campaigns decide on what these outbox messages tell of.

    All in one transaction, or each in its own if one of them cannot be decided on.
    """
    try:
        made = _decide(message_ids)
    except Exception as error:
        if is_away(error):
            raise
        # The one that fails is found below, and named.
        log.warning("batch_failed", messages=len(message_ids), error=type(error).__name__)
        made = sum(_decide_alone(message_id) for message_id in sorted(message_ids))
    log.info("campaigns_decided", messages=len(message_ids), notifications=made)


@app.task(name="campaigns.run")
def run(run_ids: Sequence[str]) -> None:
    """Go on with runs for a while each, and then give way to whatever else is due.

    Whoever goes on with one at the same time finds the steps taken that are taken here.
    """
    for run_id in run_ids:
        _go_on(UUID(run_id))


@app.task(name="campaigns.begin_due")
def begin_due() -> None:
    """Begin the runs that timetables have due; running it twice begins none twice."""
    looked_at = AT_ONCE
    while looked_at == AT_ONCE:
        with transaction(runtime.picking_sessions()) as session:
            looked_at = beginning.begin_due(session, at=clock.now(), limit=AT_ONCE)
        if looked_at:
            log.info("runs_begun", timetables=looked_at)


def _go_on(run_id: UUID) -> None:
    until, people, sent, more = clock.now() + A_TURN, 0, 0, True
    while more and clock.now() < until:
        try:
            with transaction(runtime.picking_sessions()) as session:
                step = broadcasting.take_step(
                    session, run_id, settings=runtime.settings(), at=clock.now()
                )
        except Exception as error:
            if is_away(error):
                raise
            _step_failed(run_id, error)
            return
        for failure in step.failures:
            log.error(
                "person_undecided",
                run_id=str(run_id),
                person_id=str(failure.item.person.id),
                exc_info=failure.error,
            )
        people, sent, more = people + step.people, sent + len(step.sent), step.more
    if more:
        with transaction(runtime.picking_sessions()) as session:
            running.give_way(session, run_id, at=clock.now())
    log.info("run_went_on", run_id=str(run_id), people=people, notifications=sent, more=more)


def _step_failed(run_id: UUID, error: Exception) -> None:
    with transaction(runtime.picking_sessions()) as session:
        given_up = running.put_off(session, run_id, at=clock.now())
    log.error(
        "run_failed" if given_up else "run_step_failed",
        run_id=str(run_id),
        error=type(error).__name__,
        exc_info=error,
    )


def _decide(message_ids: Sequence[int]) -> int:
    with transaction(runtime.picking_sessions()) as session:
        made = pipeline.decide(session, message_ids, settings=runtime.settings(), at=clock.now())
    return len(made)


def _decide_alone(message_id: int) -> int:
    try:
        return _decide([message_id])
    except Exception as error:
        if is_away(error):
            raise
        log.exception("message_failed", message=message_id, error=type(error).__name__)
        with transaction(runtime.picking_sessions()) as session:
            put_off(session, OutboxMessage, message_id, at=clock.now())
        return 0


@app.task(name="campaigns.release")
def release(decision_ids: Sequence[str]) -> None:
    """Look again at the messages that these decisions held back.

    All in one transaction, or each person's in its own if one of them cannot be decided on.
    """
    ids = [UUID(decision_id) for decision_id in decision_ids]
    try:
        made = _release(ids)
    except Exception as error:
        if is_away(error):
            raise
        # The one that fails is found below, and named.
        log.warning("batch_failed", messages=len(ids), error=type(error).__name__)
        made = sum(_release_alone(decision_id) for decision_id in sorted(ids))
    log.info("messages_released", messages=len(ids), notifications=made)


def _release(decision_ids: Sequence[UUID]) -> int:
    with transaction(runtime.picking_sessions()) as session:
        made = pipeline.release(session, decision_ids, settings=runtime.settings(), at=clock.now())
    return len(made)


def _release_alone(decision_id: UUID) -> int:
    try:
        return _release([decision_id])
    except Exception as error:
        if is_away(error):
            raise
        log.exception("message_failed", message=str(decision_id), error=type(error).__name__)
        with transaction(runtime.picking_sessions()) as session:
            put_off(session, HeldMessage, decision_id, at=clock.now())
        return 0
