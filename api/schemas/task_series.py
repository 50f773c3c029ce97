"""Series of tasks on the wire."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import DurationIn, DurationOut, Instant, Name, Out, Text
from api.schemas.tasks import AssignmentIn, ChecklistItem
from geoservices.checkins.verification import Evidence
from geoservices.tasks.models import Escalation, Priority
from geoservices.tasks.recurring import LONGEST, SeriesDraft

Length = Annotated[DurationIn, Field(gt=timedelta(0), le=LONGEST)]


class SeriesIn(AssignmentIn):
    """What a manager says of what is to be done again and again."""

    id: UUID | None = Field(default=None, description="The client's own, so that a retry is safe")
    place_id: UUID
    title: Name
    text: Annotated[Text, StringConstraints(max_length=5000)] = ""
    evidence_needed: Evidence = Evidence.SELF_DECLARED
    priority: Priority = Priority.NORMAL
    escalate_to: Escalation = Escalation.TEAM_LEAD
    checklist: list[ChecklistItem] = Field(default_factory=list, max_length=100)
    starts_at: Instant = Field(description="The start of the first occurrence")
    rule: Annotated[Text, StringConstraints(min_length=1, max_length=500)] = Field(
        description="An RRULE (RFC 5545) with an end, UNTIL or COUNT",
        examples=["FREQ=WEEKLY;BYDAY=MO;UNTIL=20291231"],
    )
    time_zone: Annotated[Text, StringConstraints(min_length=1, max_length=60)] | None = Field(
        default=None,
        description="IANA name of the zone by whose clocks it comes again; without, the place's",
    )
    due_after: Length | None = Field(
        default=None, description="So long after its start each is due", examples=["PT4H"]
    )
    lasts: Length | None = Field(
        default=None, description="So long after its start each expires", examples=["P1D"]
    )
    overlapping: bool = Field(
        default=False, description="Whether one is made while another is unfinished"
    )

    def to_draft(self) -> SeriesDraft:
        """Return what the domain takes."""
        return SeriesDraft(**self.model_dump(exclude={"id"}))


class SeriesOut(Out):
    """What is to be done again and again."""

    id: UUID
    external_id: str | None
    place_id: UUID
    title: str
    text: str
    evidence_needed: Evidence
    priority: Priority
    assigned_to: UUID | None
    team_id: UUID | None
    skill: str | None
    escalate_to: Escalation
    checklist: list[ChecklistItem]
    starts_at: datetime
    rule: str
    time_zone: str
    due_after: DurationOut | None
    lasts: DurationOut | None
    overlapping: bool
    next_at: datetime | None = Field(description="When the next begins; null if there is none")
    ended_at: datetime | None
