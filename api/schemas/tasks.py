"""Tasks on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import In, Instant, Name, Text
from api.schemas.listings import ListingFields, ListingOut
from api.schemas.members import Tag
from geoservices.listings.models import ListingKind
from geoservices.tasks.drafts import TaskDraft
from geoservices.tasks.models import Escalation, Priority

ItemId = Annotated[Text, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
Note = Annotated[Text, StringConstraints(max_length=2000)]


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
