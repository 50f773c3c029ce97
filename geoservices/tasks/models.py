"""Tasks, and what became of them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    Uuid,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, column_property, mapped_column, validates
from sqlalchemy.util import immutabledict
from typing_extensions import override

from geoservices.checkins.verification import Evidence
from geoservices.database import Base, one_of
from geoservices.listings.models import Listing, ListingKind
from geoservices.register import Basis, Kept, about, not_personal, personal
from geoservices.tasks.states import OVER, UNFINISHED, StepKind, TaskState, state_at


class Priority(StrEnum):
    """How much a task matters, least first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Escalation(StrEnum):
    """Who is told when a task is overdue."""

    TEAM_LEAD = "team-lead"
    """The leads of the team it is assigned to, or of whoever has it; managers if there is none."""
    MANAGER = "manager"
    NOBODY = "nobody"


STATES_UNFINISHED = f"state IN ({', '.join(repr(state.value) for state in UNFINISHED)})"
URGENCY = f"array_position('{{{','.join(reversed(Priority))}}}'::text[], priority::text)"
"""1 for the most urgent."""
DUE = "COALESCE(due_at, 'infinity'::timestamptz)"
UNSEEN = f"(opened_at IS NULL OR told_at IS NULL) AND {STATES_UNFINISHED}"


class TaskSeries(Base):
    """What is to be done again and again: from it a task is made each time that its time comes.

    `starts_at` is the first occurrence, `rule` an RRULE that ends, by the clocks of `time_zone`.
    Each occurrence is due `due_after` its start and ends `lasts` after it, where these are set.
    Unless `overlapping`, none is made while another is unfinished. Occurrences up to `made_until`
    were made or left out; the next begins at `next_at`, None if there is none.
    """

    __tablename__ = "task_series"
    __table_args__ = (
        CheckConstraint(one_of("priority", Priority), name="priority_known"),
        CheckConstraint(one_of("escalate_to", Escalation), name="escalation_known"),
        CheckConstraint(one_of("evidence_needed", Evidence), name="evidence_known"),
        CheckConstraint("num_nonnulls(assigned_to, team_id, skill) <= 1", name="assigned_once"),
        CheckConstraint("next_at IS NULL OR ended_at IS NULL", name="ended_wholly"),
        Index("ix_task_series_organisation", "organisation_id", "created_at", "id"),
        Index("uq_task_series_external_id", "organisation_id", "external_id", unique=True),
        Index("ix_task_series_next_at", "next_at", postgresql_where="next_at IS NOT NULL"),
        {
            "info": about(
                purpose="have done again and again what an organisation has to do",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(words="while it is for them"),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4, info=not_personal)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), info=not_personal)
    external_id: Mapped[str | None] = mapped_column(String(120), info=not_personal)
    place_id: Mapped[UUID] = mapped_column(
        ForeignKey("places.id", ondelete="CASCADE"), index=True, info=not_personal
    )
    title: Mapped[str] = mapped_column(String(120), info=not_personal)
    text: Mapped[str] = mapped_column(Text, info=not_personal)
    evidence_needed: Mapped[str] = mapped_column(String(20), info=not_personal)
    priority: Mapped[str] = mapped_column(String(10), info=not_personal)
    assigned_to: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"),
        index=True,
        info=personal("which member each occurrence is for"),
    )
    team_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("teams.id", ondelete="SET NULL"), index=True, info=not_personal
    )
    skill: Mapped[str | None] = mapped_column(String(60), info=not_personal)
    escalate_to: Mapped[str] = mapped_column(String(10), info=not_personal)
    checklist: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, info=not_personal)
    starts_at: Mapped[datetime] = mapped_column(info=not_personal)
    rule: Mapped[str] = mapped_column(String(500), info=not_personal)
    time_zone: Mapped[str] = mapped_column(String(60), info=not_personal)
    due_after: Mapped[timedelta | None] = mapped_column(info=not_personal)
    lasts: Mapped[timedelta | None] = mapped_column(info=not_personal)
    overlapping: Mapped[bool] = mapped_column(info=not_personal)
    created_at: Mapped[datetime] = mapped_column(info=not_personal)
    made_until: Mapped[datetime] = mapped_column(info=not_personal)
    next_at: Mapped[datetime | None] = mapped_column(info=not_personal)
    ended_at: Mapped[datetime | None] = mapped_column(info=not_personal)


class Task(Listing):
    """Something for staff to do at a place.

    It is for a person, for a team, for whoever has a skill, or, where none of these is set, for
    whoever comes by. `checklist` is a list of `{"id", "text"}`, `ticked` the ids that were ticked,
    and `ticks_said_at` when each was last ticked or not, by the clock of whoever did (ISO 8601).
    `state` is where it stood when something was last written down; `state_at` says where it stands.
    `claimed_by` has it until `leased_until`. `overdue_told_at` is when somebody was last told that
    it is overdue: once for each `due_at`. It cannot be begun before the tasks that `depends_on`
    names are done. One of a series was made for its occurrence at `occurs_at`. `opened_at` is when
    it was found that it can be begun, `told_at` when those were told whom it is for now.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(one_of("state", TaskState), name="state_known"),
        CheckConstraint(one_of("priority", Priority), name="priority_known"),
        CheckConstraint(one_of("escalate_to", Escalation), name="escalation_known"),
        CheckConstraint("num_nonnulls(assigned_to, team_id, skill) <= 1", name="assigned_once"),
        CheckConstraint(
            "leased_until IS NULL OR state IN ('claimed', 'in-progress')", name="leased_while_held"
        ),
        Index("ix_tasks_leased_until", "leased_until", postgresql_where="leased_until IS NOT NULL"),
        Index("ix_tasks_unfinished_due_at", "due_at", postgresql_where=STATES_UNFINISHED),
        Index("ix_tasks_unsettled", "id", postgresql_where="state NOT IN ('done', 'cancelled')"),
        Index("ix_tasks_unseen", "id", postgresql_where=UNSEEN),
        Index(
            "ix_tasks_depends_on",
            "depends_on",
            postgresql_using="gin",
            postgresql_where="depends_on <> '{}'",
        ),
        Index("uq_tasks_occurrence", "series_id", "occurs_at", unique=True),
        Index("ix_tasks_urgency", "organisation_id", sql(URGENCY), sql(DUE), "id"),
        {
            "info": about(
                purpose="know who does which work of their organisation's",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(words="while they have it to do"),
            )
        },
    )
    __mapper_args__ = immutabledict(
        {
            "polymorphic_identity": ListingKind.TASK,
            "polymorphic_load": "inline",
        }
    )

    id: Mapped[UUID] = mapped_column(
        ForeignKey("listings.id", ondelete="CASCADE"), primary_key=True, info=not_personal
    )
    # As the listing has it: so one index finds an organisation's tasks in their order.
    organisation_id: Mapped[UUID] = column_property(
        mapped_column(ForeignKey("organisations.id"), nullable=False, info=not_personal),
        Listing.organisation_id,
    )
    priority: Mapped[str] = mapped_column(
        String(10), default=Priority.NORMAL, server_default="normal", info=not_personal
    )
    due_at: Mapped[datetime | None] = mapped_column(info=not_personal)
    assigned_to: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"),
        index=True,
        info=personal("which member it is for"),
    )
    team_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("teams.id", ondelete="SET NULL"), index=True, info=not_personal
    )
    skill: Mapped[str | None] = mapped_column(String(60), info=not_personal)
    escalate_to: Mapped[str] = mapped_column(
        String(10),
        default=Escalation.TEAM_LEAD,
        server_default="team-lead",
        info=not_personal,
    )
    checklist: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, default=list, server_default="[]", info=not_personal
    )
    ticked: Mapped[list[str]] = mapped_column(
        ARRAY(String(60)), default=list, server_default="{}", info=not_personal
    )
    ticks_said_at: Mapped[dict[str, str]] = mapped_column(
        JSONB, default=dict, server_default="{}", info=not_personal
    )
    state: Mapped[str] = mapped_column(
        String(20), default=TaskState.OPEN, server_default="open", info=not_personal
    )
    claimed_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"),
        index=True,
        info=personal("which member has it"),
    )
    leased_until: Mapped[datetime | None] = mapped_column(info=personal("until when they have it"))
    overdue_told_at: Mapped[datetime | None] = mapped_column(info=not_personal)
    depends_on: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid), default=list, server_default="{}", info=not_personal
    )
    series_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("task_series.id", ondelete="SET NULL"), info=not_personal
    )
    occurs_at: Mapped[datetime | None] = mapped_column(info=not_personal)
    opened_at: Mapped[datetime | None] = mapped_column(info=not_personal)
    told_at: Mapped[datetime | None] = mapped_column(info=not_personal)

    @validates("assigned_to", "team_id")
    def _untold(self, name: str, value: UUID | None) -> UUID | None:
        """Have those told whom it is for from now on."""
        if value is not None and value != getattr(self, name):
            self.told_at = None
        return value

    @property
    @override
    def came_up_at(self) -> datetime | None:
        return self.opened_at

    def is_current(self, at: datetime) -> bool:
        """Tell whether it is on at an instant, and is still to be done."""
        return super().is_current(at) and self.stands(at) not in OVER

    @override
    def why_over(self, at: datetime) -> str | None:
        return "It is not to be done any more." if self.stands(at) in OVER else None

    def stands(self, at: datetime) -> TaskState:
        """Tell where it stands at an instant."""
        return state_at(
            TaskState(self.state),
            leased_until=self.leased_until,
            ends_at=self.ends_at,
            withdrawn_at=self.withdrawn_at,
            at=at,
        )


class TaskStep(Base):
    """What somebody did to a task: a line of its history, to which lines are only ever added.

    `occurred_at` is when by their own clock, and never after `received_at`. `person_id` is None of
    a machine's step and of the service's own, and once its person is erased; `by` then still says
    what they were. `state` is where the task stood afterwards.
    """

    __tablename__ = "task_steps"
    __table_args__ = (
        CheckConstraint(one_of("kind", StepKind), name="kind_known"),
        CheckConstraint(one_of("state", TaskState), name="state_known"),
        CheckConstraint(one_of("evidence", Evidence), name="evidence_known"),
        CheckConstraint("occurred_at <= received_at", name="occurred_before_received"),
        Index("ix_task_steps_task", "task_id", "number", unique=True),
        Index("ix_task_steps_received", "received_at"),
        {
            "info": about(
                purpose="show who did what of an organisation's work",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(setting="retention.task_steps", words="after it was done"),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the step's number")
    )
    number: Mapped[int] = mapped_column(
        BigInteger, Identity(), info=personal("in which order we heard of it")
    )
    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id"), index=True, info=personal("whose task it is")
    )
    task_id: Mapped[UUID] = mapped_column(
        ForeignKey("tasks.id", ondelete="CASCADE"), info=personal("which task")
    )
    person_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"), index=True, info=personal("who")
    )
    by: Mapped[str] = mapped_column(String(10), info=personal("what they were to the task"))
    kind: Mapped[str] = mapped_column(String(10), info=personal("what they did"))
    state: Mapped[str] = mapped_column(String(20), info=personal("where the task then stood"))
    note: Mapped[str] = mapped_column(Text, default="", info=personal("what they wrote about it"))
    ticked: Mapped[list[str]] = mapped_column(
        ARRAY(String(60)), default=list, info=personal("what of the checklist they had done")
    )
    evidence: Mapped[str | None] = mapped_column(
        String(20), info=personal("how much spoke for their being there")
    )
    occurred_at: Mapped[datetime] = mapped_column(info=personal("when, by their clock"))
    received_at: Mapped[datetime] = mapped_column(info=personal("when we heard of it"))
    for_person_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"),
        index=True,
        info=personal("whom it was for from then on"),
    )
    for_team_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("teams.id", ondelete="SET NULL"),
        index=True,
        info=personal("for which team it was from then on"),
    )
    for_skill: Mapped[str | None] = mapped_column(
        String(60), info=personal("for whoever had which skill it was from then on")
    )
