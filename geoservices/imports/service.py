"""Imports of tasks asked for, worked through, and told of line by line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
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
from geoservices.leasing.work import Superseded, Work
from geoservices.tasks import service as tasks
from geoservices.tasks.models import Task

WORK: Final = Work(
    row=TaskImport,
    queued=ImportState.QUEUED,
    working=(ImportState.CHECKING, ImportState.WORKING),
    failed=ImportState.FAILED,
    lease=timedelta(minutes=2),
    most_attempts=5,
)
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
    _take_at_once(session, asked, at=at)
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

    Its lines are gone through some at a time, each time in a transaction, so that another worker
    goes on where one died, and whoever brings single tasks meanwhile gets in between. What is
    taken in as a whole is gone through twice: nothing is touched before every line is found good.
    """
    with transaction(sessions) as session:
        begun = _begin(session, import_id, at=clock.now())
    if begun is None:
        return False
    working = _Working(sessions, import_id, attempt=begun.attempt_count)
    try:
        while working.goes_on():
            pass
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
    taken = WORK.begin(session, import_id, at=at)
    if taken is None:
        return None
    if taken.state == ImportState.FAILED:
        taken.done_at = at
        taken.applied = queries.has_taken(session, taken.id)
        queries.give_up_lines(session, taken.id)
        return None
    # Nothing is checked beforehand where what is good is taken in whatever else there is.
    if taken.attempt_count == 1 and taken.mode == ImportMode.WHAT_IS_GOOD and not taken.dry_run:
        taken.state = ImportState.WORKING
    return taken


def _grant_of(asked: TaskImport) -> Grant:
    actor = Actor(
        rights=frozenset({Right.LISTINGS_WRITE}),
        reach=reach_of(asked.reach),
        organisation_id=asked.organisation_id,
        person_id=asked.asked_by,
    )
    return actor.granted(Right.LISTINGS_WRITE)


def _became(line: TaskImportLine, applied: Applied, *, kept: bool) -> dict[str, Any]:
    """Return what became of a line; what it would have made is there no more if it is not kept."""
    there = kept or applied.outcome is not Outcome.MADE
    return {
        "number": line.number,
        "outcome": applied.outcome,
        "task_id": applied.task.id if applied.task and there else None,
        "series_id": applied.series.id if applied.series and there else None,
        "problems": _problems(applied.faults),
    }


def _take(
    session: Session, asked: TaskImport, lines: Sequence[TaskImportLine], *, at: datetime
) -> None:
    """Take lines in."""
    applied = _apply(session, asked, lines, at=at)
    queries.settle(
        session,
        asked.id,
        [
            {**_became(line, one, kept=True), "said": None, "stands_for": None, "depends_on": []}
            for line, one in zip(lines, applied, strict=True)
        ],
    )


def _check(
    session: Session, asked: TaskImport, lines: Sequence[TaskImportLine], *, at: datetime
) -> None:
    """Find out what lines would do, those that were checked before having been taken in."""
    within = session.begin_nested()
    applied = _apply(session, asked, lines, at=at, checked_in=asked.id)
    checked = [
        {**_became(line, one, kept=False), **_ahead(one)}
        for line, one in zip(lines, applied, strict=True)
    ]
    within.rollback()
    queries.settle(session, asked.id, checked)


def _ahead(applied: Applied) -> dict[str, Any]:
    """Return what lines that come later need to know of one that was checked."""
    task = applied.task
    if task is None or applied.outcome not in {Outcome.MADE, Outcome.CHANGED}:
        return {"stands_for": None, "depends_on": []}
    return {"stands_for": task.id, "depends_on": list(task.depends_on)}


def _apply(
    session: Session,
    asked: TaskImport,
    lines: Sequence[TaskImportLine],
    *,
    at: datetime,
    checked_in: UUID | None = None,
) -> list[Applied]:
    said = [_LINE.validate_python(line.said) for line in lines]
    return apply_lines(session, said, grant=_grant_of(asked), at=at, checked_in=checked_in)


def _take_at_once(session: Session, asked: TaskImport, *, at: datetime) -> None:
    """Take a short file in, unless it is for show or lines are refused that must not be."""
    lines = queries.next_lines(session, asked.id, after=0, limit=AT_ONCE)
    within = session.begin_nested()
    applied = _apply(session, asked, lines, at=at)
    refused = any(one.outcome is Outcome.REFUSED for one in applied)
    refused = refused or queries.has_refused(session, asked.id)
    kept = not asked.dry_run and (asked.mode == ImportMode.WHAT_IS_GOOD or not refused)
    became = [_became(line, one, kept=kept) for line, one in zip(lines, applied, strict=True)]
    if kept:
        within.commit()
    else:
        within.rollback()
    queries.settle(session, asked.id, became)
    _finish(session, asked, kept=kept, at=at)


def _finish(session: Session, asked: TaskImport, *, kept: bool, at: datetime) -> None:
    queries.forget_said(session, asked.id)
    asked.lines_done = asked.lines_count
    asked.state, asked.applied, asked.done_at = ImportState.DONE, kept, at
    asked.leased_until = None


@dataclass(frozen=True, slots=True)
class _Working:
    """One attempt at working through an import."""

    sessions: SessionFactory
    import_id: UUID
    attempt: int = field(kw_only=True)

    def goes_on(self) -> bool:
        """Go through the lines whose turn is next; tell whether there is more to do.

        Raises:
            Superseded: Another worker has the import.
        """
        with transaction(self.sessions) as session:
            asked, at = self._hold(session), clock.now()
            lines = queries.next_lines(session, asked.id, after=asked.turn, limit=AT_ONCE)
            go_through = _check if asked.state == ImportState.CHECKING else _take
            go_through(session, asked, lines, at=at)
            if len(lines) == AT_ONCE:
                asked.turn = lines[-1].turn
                asked.lines_done += len(lines)
                return True
            kept = asked.state == ImportState.WORKING
            if kept or asked.dry_run or queries.has_refused(session, asked.id):
                _finish(session, asked, kept=kept, at=at)
                return False
            asked.state, asked.turn, asked.lines_done = ImportState.WORKING, 0, 0
            return True

    def _hold(self, session: Session) -> TaskImport:
        """Return the import, locked, for a while longer.

        Raises:
            Superseded: Another worker has it.
        """
        return WORK.hold(session, self.import_id, attempt=self.attempt, at=clock.now())
