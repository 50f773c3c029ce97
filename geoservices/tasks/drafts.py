"""What a manager says of a task."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from sqlalchemy.orm import Session
from typing_extensions import override

from geoservices.access.actors import Grant
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.listings.drafts import ListingDraft, check_years
from geoservices.places.models import Place
from geoservices.tasks.assigning import Assignment, check_assignment
from geoservices.tasks.models import Escalation, Priority, Task
from geoservices.tasks.waiting import check_dependencies


class DueOutsideTask(GeoservicesError):
    """The task would be due before it begins, or after it has ended."""

    kind = ErrorKind.INVALID
    code = "due-outside-task"
    title = "It is due when it is not on"

    def __init__(self) -> None:
        super().__init__(
            "due_at must come after starts_at, and not after ends_at.", field="/due_at"
        )


class ChecklistRefused(GeoservicesError):
    """Two items of a checklist have the same id."""

    kind = ErrorKind.INVALID
    code = "checklist-refused"
    title = "The checklist is ambiguous"

    def __init__(self, item_id: str, number: int) -> None:
        super().__init__(
            f"Two items have the id {item_id!r}. Give each an id of its own.",
            field=f"/checklist/{number}/id",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDraft(ListingDraft):
    """What is said of a task besides; `models.Task` says what each means."""

    makes: ClassVar[type[Task]] = Task

    priority: str = Priority.NORMAL
    due_at: datetime | None = None
    assigned_to: UUID | None = None
    team_id: UUID | None = None
    skill: str | None = None
    escalate_to: str = Escalation.TEAM_LEAD
    checklist: list[dict[str, str]] = field(default_factory=list)
    depends_on: list[UUID] = field(default_factory=list)

    @override
    def at_place(self, place: Place) -> Self:
        """Return it with what it waits for in one order, whatever the place."""
        return replace(self, depends_on=sorted(set(self.depends_on)))

    @property
    def assignment(self) -> Assignment:
        """Whom it is for."""
        return Assignment(person_id=self.assigned_to, team_id=self.team_id, skill=self.skill)

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            YearRefused: It begins, is due or ends in another age.
            EndsBeforeStart: It ends before it starts.
            DueOutsideTask: It is due when it is not on.
            ChecklistRefused: Two items of the checklist have the same id.
            AssignedTwice: It is for a person, a team and a skill, or two of these.
        """
        ListingDraft.check(self)
        check_years(due_at=self.due_at)
        if self.due_at is not None and (
            self.due_at <= self.starts_at
            or (self.ends_at is not None and self.due_at > self.ends_at)
        ):
            raise DueOutsideTask
        known: set[str] = set()
        for number, item in enumerate(self.checklist):
            if item["id"] in known:
                raise ChecklistRefused(item["id"], number)
            known.add(item["id"])
        self.assignment.check()

    @override
    def check_within(self, session: Session, listing_id: UUID, grant: Grant) -> None:
        """Refuse to have it done by others than the organisation's, or after others' tasks.

        Raises:
            NotFound: The person does none of the organisation's work, or the team is not its own.
            DependencyUnknown: It would wait for what is not the organisation's, or out of reach.
            DependencyCycle: It would wait for itself.
        """
        check_assignment(session, self.assignment, grant.organisation_id)
        check_dependencies(session, listing_id, self.depends_on, grant=grant)
