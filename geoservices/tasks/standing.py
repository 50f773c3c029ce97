"""What somebody is to a task."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Actor
from geoservices.access.rights import Right, Role
from geoservices.members import queries as members
from geoservices.tasks import queries
from geoservices.tasks.assigning import Assignment
from geoservices.tasks.models import Task
from geoservices.tasks.states import HELD, Standing, Standings, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Whoever asks, with what tasks may be assigned by.

    `person_id` is None for a machine. `leads` are the members of a team lead's teams, None for
    whoever leads none; `manages` is whether they may say what tasks there are.
    """

    person_id: UUID | None
    team_ids: frozenset[UUID] = frozenset()
    skills: frozenset[str] = frozenset()
    leads: frozenset[UUID] | None = None
    manages: bool = False

    def may_claim(self, assignment: Assignment) -> bool:
        """Tell whether they may claim what is assigned so."""
        return self.person_id is not None and assignment.lets(
            self.person_id, team_ids=self.team_ids, skills=self.skills
        )

    def is_led(self, task: Task) -> bool:
        """Tell whether a task is for, and with, none but people and teams they lead."""
        if self.leads is None:
            return False
        people = {task.assigned_to, task.claimed_by} - {None}
        return people <= self.leads and (task.team_id is None or task.team_id in self.team_ids)


def worker_of(session: Session, actor: Actor) -> Worker:
    """Find out about whoever asks."""
    manages = Right.LISTINGS_WRITE in actor.rights
    if actor.person_id is None:
        return Worker(person_id=None)
    team_ids = members.teams_of_members(session, [actor.person_id]).get(
        actor.person_id, frozenset()
    )
    leads = None
    if actor.role is Role.TEAM_LEAD and Right.TASKS_ASSIGN in actor.rights:
        leads = members.people_in(session, team_ids)
    return Worker(
        person_id=actor.person_id,
        team_ids=team_ids,
        skills=members.skills_of(session, actor.person_id),
        leads=leads,
        manages=manages,
    )


def assignment_of(task: Task) -> Assignment:
    """Return whom a task is for."""
    return Assignment(person_id=task.assigned_to, team_id=task.team_id, skill=task.skill)


def standings_in(
    worker: Worker, task: Task, state: TaskState, *, claimed_before: bool
) -> Standings:
    """Return all that somebody is to a task.

    Args:
        worker: They.
        task: The task.
        state: Where it stands.
        claimed_before: Whether they have claimed it at some time.
    """
    if worker.person_id is None:
        return frozenset({Standing.MACHINE})
    holds = state in HELD and task.claimed_by == worker.person_id
    told = {
        Standing.HOLDER: holds,
        Standing.FORMER: claimed_before and not holds,
        Standing.WORKER: worker.may_claim(assignment_of(task)),
        Standing.LEAD: worker.is_led(task),
        Standing.MANAGER: worker.manages,
        Standing.MEMBER: True,
    }
    return frozenset(standing for standing, is_so in told.items() if is_so)


def standings_of(session: Session, worker: Worker, task: Task, state: TaskState) -> Standings:
    """Return all that somebody is to a task, asking whether they have claimed it before."""
    before = worker.person_id is not None and bool(
        queries.claimed_before(session, worker.person_id, [task.id])
    )
    return standings_in(worker, task, state, claimed_before=before)
