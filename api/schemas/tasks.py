"""Tasks on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID, uuid4

from pydantic import Field, StringConstraints

from api.schemas.common import In, Instant, Name, Out, Text
from api.schemas.listings import ListingFields, ListingOut, ListingShown
from api.schemas.members import Tag
from api.schemas.places import PointOut
from geoservices.checkins.verification import Evidence
from geoservices.listings.models import ListingKind
from geoservices.tasks.assigning import Assignment
from geoservices.tasks.clocks import Said
from geoservices.tasks.completing import Completion, Done
from geoservices.tasks.drafts import TaskDraft
from geoservices.tasks.models import Escalation, Priority, TaskStep
from geoservices.tasks.service import Seen
from geoservices.tasks.states import Standing, StepKind, TaskState
from geoservices.tasks.waiting import MOST

ItemId = Annotated[Text, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
Note = Annotated[Text, StringConstraints(max_length=2000)]
BY_PHONE = "By the phone's clock; null is now"
BY_CLIENT = "The client's own, so that a retry is safe"


class ChecklistItem(In):
    """One thing to be done as part of a task."""

    id: ItemId = Field(examples=["boiler"], description="The client's own, by which it is ticked")
    text: Name


class AssignmentIn(In):
    """Whom a task is for: one of the three, or none of them for whoever comes by."""

    assigned_to: UUID | None = Field(default=None, description="A member")
    team_id: UUID | None = None
    skill: Tag | None = Field(default=None, description="Whoever has it", examples=["electrician"])


class TaskIn(ListingFields, AssignmentIn):
    """What a manager says of a task."""

    kind: Literal[ListingKind.TASK]
    priority: Priority = Priority.NORMAL
    due_at: Instant | None = Field(
        default=None, description="From when on it is overdue, while ends_at ends it"
    )
    escalate_to: Escalation = Field(
        default=Escalation.TEAM_LEAD, description="Who is told once it is overdue"
    )
    checklist: list[ChecklistItem] = Field(default_factory=list, max_length=100)
    depends_on: list[UUID] = Field(
        default_factory=list,
        max_length=MOST,
        description="Tasks that must be done before this one can be begun",
    )

    def to_draft(self) -> TaskDraft:
        """Return what the domain takes."""
        return TaskDraft(**self.model_dump(exclude={"id"}))


class TaskOut(ListingOut):
    """A task as its managers see it."""

    kind: Literal[ListingKind.TASK]
    priority: Priority
    due_at: datetime | None
    assigned_to: UUID | None
    team_id: UUID | None
    skill: str | None
    escalate_to: Escalation
    checklist: list[ChecklistItem]
    depends_on: list[UUID]
    series_id: UUID | None = Field(description="What it comes again by; null for what does not")
    occurs_at: datetime | None = Field(description="Which occurrence of the series it is")


class TaskShown(ListingShown):
    """A task as people see it."""

    kind: Literal[ListingKind.TASK]


class AssignmentChangeIn(AssignmentIn):
    """Whom a task shall be for from now on."""

    note: Note = ""

    def to_assignment(self) -> Assignment:
        """Return what the domain takes."""
        return Assignment(person_id=self.assigned_to, team_id=self.team_id, skill=self.skill)


class NoteIn(In):
    """Something worth knowing about a task."""

    id: UUID = Field(default_factory=uuid4, description="The client's own, so that a retry is safe")
    note: Annotated[Note, StringConstraints(min_length=1)]
    noted_at: Instant | None = Field(default=None, description=BY_PHONE)

    def to_said(self) -> Said:
        """Return when it was written, and the client's id."""
        return Said(id=self.id, occurred_at=self.noted_at, field="/noted_at")


class StartIn(In):
    """That somebody began it, perhaps a while ago and out of reach of any network."""

    id: UUID | None = Field(default=None, description=BY_CLIENT)
    started_at: Instant | None = Field(default=None, description=BY_PHONE)

    def to_said(self) -> Said:
        """Return when it was begun, and the client's id."""
        return Said(id=self.id, occurred_at=self.started_at, field="/started_at")


class WhyIn(In):
    """Why something is done, in a few words."""

    note: Note = ""


class DeclineIn(In):
    """Why somebody will not do it."""

    reason: Annotated[Note, StringConstraints(min_length=1)]


class TicksIn(In):
    """Items of the checklist, and whether each is done; what is not named stays."""

    ticks: dict[ItemId, Annotated[bool, Field(strict=True)]] = Field(
        min_length=1, max_length=100, examples=[{"boiler": True}]
    )
    id: UUID | None = Field(default=None, description=BY_CLIENT)
    ticked_at: Instant | None = Field(default=None, description=BY_PHONE)

    def to_said(self) -> Said:
        """Return when they were ticked, and the client's id."""
        return Said(id=self.id, occurred_at=self.ticked_at, field="/ticked_at")


class DoneIn(In):
    """That somebody did it, perhaps a while ago and out of reach of any network."""

    id: UUID = Field(default_factory=uuid4, description="The client's own, so that it counts once")
    note: Note = ""
    checklist: list[ItemId] = Field(
        default_factory=list, max_length=100, description="Items done besides those ticked before"
    )
    done_at: Instant | None = Field(default=None, description=BY_PHONE)

    def to_completion(self) -> Completion:
        """Return what the domain takes."""
        return Completion(**self.model_dump())


class StepOut(Out):
    """A line of a task's history.

    `person_id` is null of a machine's and the service's own steps, and once its person is erased.
    """

    id: UUID
    kind: StepKind
    by: Standing
    person_id: UUID | None
    state: TaskState = Field(description="Where the task stood afterwards")
    note: str
    ticked: list[str]
    evidence: Evidence | None
    occurred_at: datetime = Field(description="By the clock of whoever did it")
    received_at: datetime
    for_person_id: UUID | None = Field(description="Whom it was for from then on, if assigned")
    for_team_id: UUID | None
    for_skill: str | None


class BlockerOut(Out):
    """A task that another waits for."""

    id: UUID
    title: str | None = Field(description="Null where it is out of reach")
    state: TaskState


class WorkOut(TaskOut):
    """A task as those see it who do it."""

    place_name: str
    place_point: PointOut = Field(description="Where the place is, to show it on a map")
    time_zone: str = Field(description="The place's, by whose clocks people there read times")
    state: TaskState
    claimed_by: UUID | None
    leased_until: datetime | None
    ticked: list[str]
    overdue: bool
    distance_m: float | None = Field(
        description="How far its place is, in metres; null unless sorted by distance"
    )
    blocked_by: list[BlockerOut] = Field(
        description="What has to be done before it can be begun; what was cancelled or expired "
        "stays in its way until a manager takes it out of depends_on"
    )
    possible: list[StepKind] = Field(description="What whoever asks can do with it now")

    @classmethod
    def of(cls, seen: Seen) -> Self:
        """Show a task as somebody sees it."""
        return cls.model_validate(
            TaskOut.model_validate(seen.task).model_dump()
            | {
                "place_name": seen.place.name,
                "place_point": PointOut(
                    type="Point", coordinates=(seen.position.lon, seen.position.lat)
                ),
                "time_zone": seen.place.time_zone,
                "state": seen.state,
                "claimed_by": seen.claimed_by,
                "leased_until": seen.leased_until,
                "ticked": seen.task.ticked,
                "overdue": seen.overdue,
                "distance_m": None if seen.distance_m is None else round(seen.distance_m, 1),
                "blocked_by": seen.blockers,
                "possible": seen.possible,
            }
        )


class WorkWithStepsOut(WorkOut):
    """A task with the latest of its history, newest first; its steps are in pages of their own."""

    steps: list[StepOut]

    @classmethod
    def with_steps(cls, seen: Seen, steps: Sequence[TaskStep]) -> Self:
        """Show a task and what became of it."""
        told = [StepOut.model_validate(step) for step in steps]
        return cls(**WorkOut.of(seen).model_dump(), steps=told)


class DoneOut(Out):
    """A task that is done, with every record of that; the first of them is the one that did it."""

    task: WorkOut
    records: list[StepOut]

    @classmethod
    def of(cls, done: Done, seen: Seen) -> Self:
        """Show it."""
        records = [StepOut.model_validate(step) for step in done.records]
        return cls(task=WorkOut.of(seen), records=records)
