"""Tasks that another system brings, and what became of them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import In, Instant, Name, Out, Text
from api.schemas.members import Tag
from geoservices.imports.lines import LONGEST, MOST_DEPENDENCIES, MOST_ITEMS, TaskLine
from geoservices.imports.models import (
    ImportMode,
    ImportState,
    Outcome,
    TaskImport,
    TaskImportLine,
)
from geoservices.leasing.models import Reason
from geoservices.tasks.models import Priority

ExternalId = Annotated[
    Text,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST["external_id"]),
]


class TaskByReferenceIn(In):
    """All that another system says of a task; what is left out is as its default says.

    Only one that is cancelled needs no place and no title.
    """

    place: Annotated[Text, StringConstraints(max_length=LONGEST["place"])] = Field(
        default="",
        description="The place's id, or the reference its source knows it by, or its name",
        examples=["Exeter Library"],
    )
    title: Annotated[Text, StringConstraints(max_length=LONGEST["title"])] = ""
    text: Annotated[Text, StringConstraints(max_length=LONGEST["text"])] = ""
    priority: Priority = Priority.NORMAL
    due_at: Instant | None = None
    starts_at: Instant | None = Field(
        default=None, description="When it was made, or as it is, if left out"
    )
    ends_at: Instant | None = None
    team: Annotated[Text, StringConstraints(max_length=LONGEST["team"])] = Field(
        default="", description="The team's name or id; one of team, skill and assignee at most"
    )
    skill: Tag | None = None
    assignee: Annotated[Text, StringConstraints(max_length=LONGEST["assignee"])] = Field(
        default="", description="The e-mail address by which the organisation knows the member"
    )
    checklist: list[Name] = Field(default_factory=list, max_length=MOST_ITEMS)
    cancelled: bool = False
    depends_on: list[ExternalId] = Field(
        default_factory=list,
        max_length=MOST_DEPENDENCIES,
        description="References, or ids, of tasks that must be done before",
    )

    def to_line(self, external_id: str) -> TaskLine:
        """Return what the domain takes."""
        said = self.model_dump(exclude={"external_id", "checklist", "depends_on", "skill"})
        return TaskLine(
            external_id=external_id,
            checklist=tuple(self.checklist),
            depends_on=tuple(dict.fromkeys(self.depends_on)),
            skill=self.skill or "",
            **said,
        )


class TaskLineIn(TaskByReferenceIn):
    """One task of many."""

    external_id: ExternalId
    rule: Annotated[Text, StringConstraints(max_length=LONGEST["rule"])] = Field(
        default="",
        description="An RRULE (RFC 5545) with an end, by which it comes again: it is a series then",
        examples=["FREQ=MONTHLY;BYDAY=1MO;UNTIL=20291231"],
    )


class TaskImportOut(Out):
    """A file of tasks that was sent, and what has become of it so far."""

    id: UUID
    state: ImportState
    reason: Reason | None = Field(description="Why it has failed; send the file again")
    mode: ImportMode
    dry_run: bool
    applied: bool | None = Field(
        description="Whether tasks were made or changed; false where it was for show, or where a "
        "refused line kept all from it. Null until it is over"
    )
    time_zone: str = Field(description="By whose clocks times without an offset were read")
    lines_count: int = Field(description="How many lines it has")
    lines_done: int = Field(
        description="How many have been gone through so far, while it is checked or taken in"
    )
    made: int = Field(description="How many lines made a task, or would as far as it is checked")
    changed: int = Field(description="How many changed one, or would have")
    same: int = Field(description="How many said what was so already")
    refused: int = Field(description="How many were refused")
    asked_at: datetime
    done_at: datetime | None
    lines: str = Field(description="The address of what became of each line")

    @classmethod
    def of(cls, asked: TaskImport, counted: dict[str, int]) -> Self:
        """Show an import, given how many of its lines came to which outcome."""
        return cls(
            id=asked.id,
            state=ImportState(asked.state),
            reason=asked.reason and Reason(asked.reason),
            mode=ImportMode(asked.mode),
            dry_run=asked.dry_run,
            applied=asked.applied,
            time_zone=asked.time_zone,
            lines_count=asked.lines_count,
            lines_done=asked.lines_done,
            **{outcome.value: counted.get(outcome, 0) for outcome in Outcome},
            asked_at=asked.asked_at,
            done_at=asked.done_at,
            lines=f"/v1/tasks/imports/{asked.id}/lines",
        )


class LineProblemOut(Out):
    """What is wrong with a line."""

    field: str = Field(description="The column; empty for the line as a whole")
    detail: str = Field(description="What is wrong, and what to change")


class TaskImportLineOut(Out):
    """What became of a line of a file of tasks."""

    line: int = Field(
        description="The line it begins in, from 1, the heading included; in JSON its place, from 1"
    )
    external_id: str
    outcome: Outcome | None = Field(description="Null until something has become of it")
    task_id: UUID | None
    series_id: UUID | None = Field(description="Of what comes again, instead of a task's")
    problems: list[LineProblemOut]

    @classmethod
    def of(cls, line: TaskImportLine) -> Self:
        """Show a line."""
        return cls(
            line=line.number,
            external_id=line.external_id,
            outcome=line.outcome and Outcome(line.outcome),
            task_id=line.task_id,
            series_id=line.series_id,
            problems=[LineProblemOut(**problem) for problem in line.problems],
        )
