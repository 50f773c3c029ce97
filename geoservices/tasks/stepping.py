"""How every step is taken: the task held, the step written into its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.checkins.verification import Evidence
from geoservices.errors import IdTaken, NotFound
from geoservices.places import service as places
from geoservices.tasks import queries, waiting_queries
from geoservices.tasks.assigning import FOR_WHOEVER_COMES_BY, Assignment
from geoservices.tasks.lapsing import write_what_passed
from geoservices.tasks.models import Task, TaskStep
from geoservices.tasks.standing import standings_of, worker_of
from geoservices.tasks.states import (
    HELD,
    NO_BLOCKERS,
    Blocker,
    Move,
    Standing,
    Standings,
    StepKind,
    TaskState,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told along with a step; `occurred_at` is by the teller's clock, None is now.

    `assignment` is whom it is for from then on, where the step says so.
    """

    id: UUID | None = None
    note: str = ""
    assignment: Assignment = FOR_WHOEVER_COMES_BY
    evidence: Evidence | None = None
    occurred_at: datetime | None = None


NOTHING_TOLD = Told()


@dataclass(frozen=True, slots=True)
class Held:
    """A task that nobody else takes a step with meanwhile, and what somebody is to it."""

    task: Task
    standings: Standings
    state: TaskState
    lapsed_from: UUID | None = None
    """Whose claim was found to have ended."""
    blockers: Sequence[Blocker] = NO_BLOCKERS
    """What it waits for."""
    holder: UUID | None = None
    """Whoever had it before the step."""
    was_for: UUID | None = None
    """The one person it was for before the step, if they were told so."""

    @property
    def is_theirs(self) -> bool:
        """Whether whoever asks has it."""
        return Standing.HOLDER in self.standings


def hold(
    session: Session, task_id: UUID, *, grant: Grant, at: datetime, lapses: bool = True
) -> Held:
    """Take hold of a task until the transaction ends, once what time did to it is written down.

    Without `lapses` that is left to the job, which tells whoever had it.

    Raises:
        NotFound: There is none, or it is another organisation's, or out of reach.
    """
    task = queries.hold(session, grant.organisation_id, task_id)
    if task is None:
        raise NotFound("task")
    places.check_reach(session, task.place_id, grant, "task")
    lapsed_from = write_what_passed(session, task, at=at) if lapses else None
    state = task.stands(at)
    standings = standings_of(session, worker_of(session, grant.actor), task, state)
    blockers = waiting_queries.blockers(session, [task], grant=grant, at=at)
    return Held(
        task,
        standings,
        state,
        lapsed_from,
        blockers=blockers.get(task.id, NO_BLOCKERS),
        holder=task.claimed_by,
        was_for=task.assigned_to if task.told_at else None,
    )


def known_step(
    session: Session, task: Task, kind: StepKind, step_id: UUID, *, grant: Grant
) -> TaskStep | None:
    """Return the step of that id if this is it told again.

    Raises:
        IdTaken: The id belongs to another step.
    """
    known = queries.step(session, step_id)
    if known is None:
        return None
    same = (known.task_id, known.kind, known.person_id)
    if same != (task.id, kind, grant.actor.person_id):
        raise IdTaken("step")
    return known


def write(
    session: Session,
    task: Task,
    kind: StepKind,
    move: Move,
    told: Told = NOTHING_TOLD,
    *,
    grant: Grant,
    at: datetime,
) -> TaskStep:
    """Write a step into the history, and where the task stands after it.

    Raises:
        IdTaken: The id belongs to another step.
    """
    if kind is not StepKind.NOTE:
        task.state = move.state
        if move.state not in HELD:
            let_go(task)
    step = queries.add_step(
        session,
        {
            "id": told.id or uuid4(),
            "organisation_id": task.organisation_id,
            "task_id": task.id,
            "person_id": grant.actor.person_id,
            "by": move.by,
            "kind": kind,
            "state": move.state,
            "note": told.note,
            "ticked": list(task.ticked),
            "evidence": told.evidence,
            "occurred_at": told.occurred_at or at,
            "received_at": at,
            "for_person_id": told.assignment.person_id,
            "for_team_id": told.assignment.team_id,
            "for_skill": told.assignment.skill,
        },
    )
    if step is None:
        raise IdTaken("step")
    return step


def let_go(task: Task) -> None:
    """Let nobody have a task."""
    task.claimed_by = task.leased_until = None
