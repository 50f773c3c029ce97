"""Time passes for tasks: they come again, come up and end, and what is overdue is told."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from geoservices import clock, entrusting, escalating
from geoservices.database import transaction
from geoservices.singling_out import Failure
from geoservices.tasks import recurring
from workers import runtime
from workers.app import app

log = structlog.get_logger()

AT_ONCE = 200
"""Tasks looked at in one transaction."""


@app.task(name="tasks.let_time_pass")
def let_time_pass() -> None:
    """Write down which leases and tasks are over, and tell of it; again writes nothing twice."""
    ended = AT_ONCE
    while ended == AT_ONCE:
        with transaction(runtime.sessions()) as session:
            ended = escalating.let_time_pass(session, at=clock.now(), limit=AT_ONCE)
        if ended:
            log.info("claims_ended", tasks=ended)


@app.task(name="tasks.recur")
def recur() -> None:
    """Make the tasks of series whose time has come; running it twice makes nothing twice."""
    looked_at = AT_ONCE
    while looked_at == AT_ONCE:
        with transaction(runtime.sessions()) as session:
            looked_at, made = recurring.make_due(session, at=clock.now(), limit=AT_ONCE)
        if made:
            log.info("tasks_recurred", tasks=len(made))


@app.task(name="tasks.hand_back")
def hand_back() -> None:
    """Hand back what is for members who do no work any more; again tells nobody twice."""
    left = 1
    while left:
        with transaction(runtime.sessions()) as session:
            left = escalating.hand_back(session, at=clock.now(), limit=AT_ONCE)
        if left:
            log.info("tasks_handed_back", tasks=left)


@app.task(name="tasks.open")
def open_tasks() -> None:
    """Find tasks that have come up, and tell whom they are for; again tells nobody twice."""
    looked_at, untold = AT_ONCE, set[UUID]()
    while looked_at == AT_ONCE:
        with transaction(runtime.sessions()) as session:
            found = entrusting.open_tasks(
                session, at=clock.now(), limit=AT_ONCE, without=frozenset(untold)
            )
        untold |= _log(found.failures)
        looked_at = found.looked_at
        if looked_at:
            log.info("tasks_come_up", tasks=len(found.opened), people=found.told)


@app.task(name="tasks.escalate")
def escalate() -> None:
    """Tell of tasks that have become overdue; running it twice tells nobody twice."""
    overdue, untold = AT_ONCE, set[UUID]()
    while overdue == AT_ONCE:
        with transaction(runtime.sessions()) as session:
            found = escalating.escalate(
                session, at=clock.now(), limit=AT_ONCE, without=frozenset(untold)
            )
        untold |= _log(found.failures)
        overdue = found.overdue
        if overdue:
            log.info("tasks_overdue", tasks=overdue, people=found.told)


def _log(failures: Sequence[Failure[UUID]]) -> set[UUID]:
    """Write down which tasks nobody can be told of, and why; return them."""
    for failure in failures:
        log.error(
            "task_untold",
            task_id=str(failure.item),
            error=type(failure.error).__name__,
            exc_info=failure.error,
        )
    return {failure.item for failure in failures}
