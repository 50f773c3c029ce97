"""Imports of tasks asked for, worked through, and told of line by line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from geoservices import clock, outbox
from geoservices.access.actors import Actor, Grant
from geoservices.access.reach import reach_of
from geoservices.access.rights import Right
from geoservices.database import SessionFactory, transaction
from geoservices.errors import ErrorKind, GeoservicesError, NotFound
from geoservices.imports import queries
from geoservices.imports.applying import Applied, apply_lines
from geoservices.imports.lines import Fault, TaskLine, check_line
from geoservices.imports.models import (
    ImportMode,
    ImportState,
    Outcome,
    TaskImport,
    TaskImportLine,
)
from geoservices.imports.reading import Read
from geoservices.imports.turns import in_turn
from geoservices.tasks import service as tasks
from geoservices.tasks.models import Task

LEASE = timedelta(minutes=2)
"""An import whose worker was not heard of for this long is gone on with by another."""
MOST_ATTEMPTS = 5
AT_ONCE = 200
"""Lines applied at once. A file with no more than these is done before it is answered."""

_LINE = TypeAdapter(TaskLine)


class TaskRefused(GeoservicesError):
    """The task cannot be as it is said to be; nothing was changed. `errors` has every fault."""

    kind = ErrorKind.INVALID
    code = "task-refused"
    title = "The task cannot be taken in"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = faults
        first = faults[0]
        super().__init__(first.detail, field=f"/{first.field}" if first.field else None)

    def extra(self) -> dict[str, object]:
        """List every fault with its field (JSON Pointer), its rule and a sentence."""
        return {
            "errors": [
                {
                    "field": f"/{fault.field}" if fault.field else "",
                    "rule": "task-refused",
                    "detail": fault.detail,
                }
                for fault in self.faults
            ]
        }


class Superseded(Exception):
    """Another worker has this import now."""


def put_task(
    session: Session, line: TaskLine, *, grant: Grant, at: datetime
) -> tuple[Task, Outcome]:
    """Make or change the one task that a line speaks of; again it changes nothing.

    Raises:
        TaskRefused: The line cannot be applied.
        NotFound: It cancels a task that nobody ever made.
    """
    faults = check_line(line)
    if faults:
        raise TaskRefused(faults)
    [applied] = apply_lines(session, [line], grant=grant, at=at)
    if applied.faults:
        raise TaskRefused(applied.faults)
    if applied.task is None:
        raise NotFound("task")
    return applied.task, applied.outcome


def get_task(session: Session, external_id: str, *, grant: Grant) -> Task:
    """Return the task that a reference stands for.

    Raises:
        NotFound: There is none, or it is out of reach.
    """
    task_id = queries.task_id_of(session, grant.organisation_id, external_id)
    if task_id is None:
        raise NotFound("task")
    return tasks.get_task(session, task_id, grant=grant)


def ask_for(
    session: Session,
    read: Sequence[Read],
    *,
    mode: ImportMode,
    dry_run: bool,
    time_zone: str,
    grant: Grant,
    at: datetime,
) -> TaskImport:
    """Take a file in. A short one is done at once, a longer one by a worker.

    Args:
        session: The transaction to write in.
        read: The file's lines.
        mode: What becomes of it if lines are refused.
        dry_run: Whether to find out what would be done, and do nothing.
        time_zone: By whose clocks times without an offset were read.
        grant: Of whoever sent it.
        at: The present.
    """
    lines = in_turn(read)
    reach = grant.actor.reach
    asked = TaskImport(
        id=uuid4(),
        organisation_id=grant.organisation_id,
        asked_by=grant.actor.person_id,
        reach=reach and reach.stored(),
        mode=mode,
        dry_run=dry_run,
        time_zone=time_zone,
        state=ImportState.QUEUED,
        lines_count=len(lines),
        lines_done=sum(line.said is None for line, _turn in lines),
        asked_at=at,
        due_at=at,
    )
    session.add(asked)
    session.flush()
    if lines:
        queries.add_lines(session, [_row(asked.id, line, turn) for line, turn in lines])
    if len(lines) > AT_ONCE:
        outbox.ring(session)
        return asked
    settled, kept = _apply_as_a_whole(session, asked, lambda _lines: None, at=at)
    _finish(session, asked, settled, kept=kept, at=at)
    return asked


def get_import(session: Session, import_id: UUID, *, grant: Grant) -> TaskImport:
    """Return one of the organisation's imports.

    Raises:
        NotFound: There is none, it is another organisation's, or it went in due time.
    """
    found = queries.import_of(session, import_id, grant.organisation_id)
    if found is None:
        raise NotFound("import")
    return found


def carry_out(sessions: SessionFactory, import_id: UUID) -> bool:
    """Work through an import that nobody else is at; tell whether it is over now.

    What is good is taken in some lines at a time, each time in a transaction, so that another
    worker goes on where one died. What is taken in as a whole, or for show, is one transaction.
    """
    with transaction(sessions) as session:
        begun = _begin(session, import_id, at=clock.now())
    if begun is None:
        return False
    working = _Working(sessions, import_id, attempt=begun.attempt_count)
    try:
        if begun.mode == ImportMode.WHAT_IS_GOOD and not begun.dry_run:
            working.take_what_is_good()
        else:
            working.take_as_a_whole()
    except Superseded:
        return False
    return True


def _row(import_id: UUID, line: Read, turn: int) -> dict[str, Any]:
    said = None if line.said is None else _LINE.dump_python(line.said, mode="json")
    return {
        "import_id": import_id,
        "number": line.number,
        "external_id": line.external_id,
        "said": said,
        "outcome": Outcome.REFUSED if said is None else None,
        "task_id": None,
        "turn": turn,
        "series_id": None,
        "problems": _problems(line.faults),
    }


def _problems(faults: Sequence[Fault]) -> list[dict[str, str]]:
    return [{"field": fault.field, "detail": fault.detail} for fault in faults]


def _begin(session: Session, import_id: UUID, *, at: datetime) -> TaskImport | None:
    taken = queries.take(session, import_id, at=at)
    if taken is None:
        return None
    if taken.attempt_count >= MOST_ATTEMPTS:
        taken.state, taken.done_at = ImportState.FAILED, at
        return None
    taken.state = ImportState.WORKING
    taken.attempt_count += 1
    taken.lines_done = taken.lines_count - queries.count_waiting(session, taken.id)
    taken.leased_until = taken.due_at = at + LEASE
    return taken


def _grant_of(asked: TaskImport) -> Grant:
    actor = Actor(
        rights=frozenset({Right.LISTINGS_WRITE}),
        reach=reach_of(asked.reach),
        organisation_id=asked.organisation_id,
        person_id=asked.asked_by,
    )
    return actor.granted(Right.LISTINGS_WRITE)


def _settled(line: TaskImportLine, applied: Applied) -> dict[str, Any]:
    return {
        "number": line.number,
        "outcome": applied.outcome,
        "task_id": applied.task and applied.task.id,
        "series_id": applied.series and applied.series.id,
        "problems": _problems(applied.faults),
    }


def _apply(
    session: Session, asked: TaskImport, lines: Sequence[TaskImportLine], *, at: datetime
) -> list[dict[str, Any]]:
    said = [_LINE.validate_python(line.said) for line in lines]
    applied = apply_lines(session, said, grant=_grant_of(asked), at=at)
    return [_settled(line, one) for line, one in zip(lines, applied, strict=True)]


def _apply_as_a_whole(
    session: Session, asked: TaskImport, progress: Callable[[int], None], *, at: datetime
) -> tuple[list[dict[str, Any]], bool]:
    """Apply all lines, and take it back if it was for show or some are refused that must not be.

    Returns:
        What became of each line, or would have, and whether it was kept.
    """
    settled: list[dict[str, Any]] = []
    within = session.begin_nested()
    for lines in queries.stream_lines(session, asked.id, at_once=AT_ONCE):
        settled += _apply(session, asked, lines, at=at)
        progress(len(lines))
    refused = any(one["outcome"] is Outcome.REFUSED for one in settled)
    refused = refused or queries.has_refused(session, asked.id)
    if not asked.dry_run and (asked.mode == ImportMode.WHAT_IS_GOOD or not refused):
        within.commit()
        return settled, True
    within.rollback()
    # What was made is there no more.
    nothing = {"task_id": None, "series_id": None}
    made = Outcome.MADE
    return [one | nothing if one["outcome"] is made else one for one in settled], False


def _finish(
    session: Session,
    asked: TaskImport,
    settled: Sequence[Mapping[str, Any]],
    *,
    kept: bool,
    at: datetime,
) -> None:
    if settled:
        queries.settle(session, asked.id, settled)
    asked.lines_done = asked.lines_count
    asked.state, asked.applied, asked.done_at = ImportState.DONE, kept, at
    asked.leased_until = None


@dataclass(frozen=True, slots=True)
class _Working:
    """One attempt at working through an import."""

    sessions: SessionFactory
    import_id: UUID
    attempt: int = field(kw_only=True)

    def take_what_is_good(self) -> None:
        """Apply some lines after others, each time in a transaction with what became of them."""
        more = True
        while more:
            with transaction(self.sessions) as session:
                asked, at = self._hold(session), clock.now()
                lines = queries.waiting_lines(session, asked.id, limit=AT_ONCE)
                more = len(lines) == AT_ONCE
                settled = _apply(session, asked, lines, at=at)
                if more:
                    queries.settle(session, asked.id, settled)
                    asked.lines_done += len(lines)
                else:
                    _finish(session, asked, settled, kept=True, at=at)

    def take_as_a_whole(self) -> None:
        """Apply all lines in one transaction, while others tell how far it has come."""
        with transaction(self.sessions) as session:
            asked = session.get_one(TaskImport, self.import_id)
            settled, kept = _apply_as_a_whole(session, asked, self._progress, at=clock.now())
            session.expire(asked)
            _finish(session, self._hold(session), settled, kept=kept, at=clock.now())

    def _progress(self, lines: int) -> None:
        with transaction(self.sessions) as session:
            self._hold(session).lines_done += lines

    def _hold(self, session: Session) -> TaskImport:
        """Return the import, locked, for a while longer.

        Raises:
            Superseded: Another worker has it.
        """
        asked = queries.hold(session, self.import_id, attempt=self.attempt)
        if asked is None:
            raise Superseded
        asked.leased_until = asked.due_at = clock.now() + LEASE
        return asked
