"""Imports of tasks, their lines, and by which references tasks are known."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.leasing.models import Asked, Reason
from geoservices.register import Basis, Kept, about, not_personal, personal

UNDER_WAY = "state IN ('queued', 'checking', 'working')"
PURPOSE = "take in the tasks that another system of the organisation's brings"


class ImportState(StrEnum):
    """How far an import has come."""

    QUEUED = "queued"
    CHECKING = "checking"
    """Its lines are gone through, and nothing is touched."""
    WORKING = "working"
    """Its lines are taken in."""
    DONE = "done"
    FAILED = "failed"
    """It broke off too often; what was taken in before stays."""


class ImportMode(StrEnum):
    """What becomes of a file in which lines are refused."""

    ALL_OR_NOTHING = "all-or-nothing"
    WHAT_IS_GOOD = "what-is-good"


class Outcome(StrEnum):
    """What became of a line, or would have if the import had been for real."""

    MADE = "made"
    CHANGED = "changed"
    SAME = "same"
    """The task says all of it already."""
    REFUSED = "refused"


class TaskImport(Asked, Base):
    """A file of tasks that was sent, each line of which makes or changes a task.

    `reach` is that of whoever sent it (`access.reach`): a worker does no more than they could.
    `applied` is none until it is over; false means that no task was touched. `turn` is that of the
    last line that was gone through, since it is checked or else since it is taken in. `due_at`,
    `leased_until` and `attempt_count` are as an export has them.
    """

    __tablename__ = "task_imports"
    __table_args__ = (
        CheckConstraint(one_of("state", ImportState), name="state_known"),
        CheckConstraint(one_of("reason", Reason), name="reason_known"),
        CheckConstraint(one_of("mode", ImportMode), name="mode_known"),
        CheckConstraint("(state IN ('done', 'failed')) = (done_at IS NOT NULL)", name="done_whole"),
        Index("ix_task_imports_organisation", "organisation_id", "asked_at", "id"),
        Index("ix_task_imports_due", "due_at", postgresql_where=UNDER_WAY),
        Index("ix_task_imports_asked_at", "asked_at"),
        {
            "info": about(
                purpose=PURPOSE,
                basis=Basis.PUBLIC_TASK,
                kept=Kept(setting="retention.task_imports", words="after it was sent"),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4, info=not_personal)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), info=not_personal)
    asked_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"), index=True, info=personal("who sent it")
    )
    reach: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=personal("at which places they manage tasks, if not at all")
    )
    mode: Mapped[str] = mapped_column(String(20), info=not_personal)
    dry_run: Mapped[bool] = mapped_column(info=not_personal)
    time_zone: Mapped[str] = mapped_column(String(60), info=not_personal)
    state: Mapped[str] = mapped_column(String(20), info=not_personal)
    reason: Mapped[str | None] = mapped_column(String(20), info=not_personal)
    applied: Mapped[bool | None] = mapped_column(info=not_personal)
    lines_count: Mapped[int] = mapped_column(info=not_personal)
    lines_done: Mapped[int] = mapped_column(default=0, info=not_personal)
    turn: Mapped[int] = mapped_column(default=0, server_default="0", info=not_personal)
    attempt_count: Mapped[int] = mapped_column(default=0, info=not_personal)
    asked_at: Mapped[datetime] = mapped_column(info=personal("when they sent it"))
    due_at: Mapped[datetime] = mapped_column(info=not_personal)
    leased_until: Mapped[datetime | None] = mapped_column(info=not_personal)
    done_at: Mapped[datetime | None] = mapped_column(info=not_personal)


class TaskImportLine(Base):
    """A line of an import; what it says is kept until something has become of it.

    `problems` is a list of `{"field", "detail"}`. Lines are applied by their `turn`, so that each
    comes after those that it depends on. Of a line that was checked and would make or change a
    task, `stands_for` is that task, or an id in its stead, and `depends_on` what it would wait for.
    """

    __tablename__ = "task_import_lines"
    __table_args__ = (
        CheckConstraint(one_of("outcome", Outcome), name="outcome_known"),
        Index("ix_task_import_lines_turn", "import_id", "turn"),
        Index(
            "ix_task_import_lines_checked",
            "import_id",
            "external_id",
            postgresql_where="stands_for IS NOT NULL",
        ),
        {
            "info": about(
                purpose=PURPOSE,
                basis=Basis.PUBLIC_TASK,
                kept=Kept(words="until something has become of the line, within minutes"),
            )
        },
    )

    import_id: Mapped[UUID] = mapped_column(
        ForeignKey("task_imports.id", ondelete="CASCADE"), primary_key=True, info=not_personal
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=not_personal)
    turn: Mapped[int] = mapped_column(info=not_personal)
    external_id: Mapped[str] = mapped_column(String(120), info=not_personal)
    said: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True),
        info=personal("what it says of a task, whom that is for by their address among it"),
    )
    outcome: Mapped[str | None] = mapped_column(String(20), info=not_personal)
    task_id: Mapped[UUID | None] = mapped_column(info=not_personal)
    series_id: Mapped[UUID | None] = mapped_column(info=not_personal)
    problems: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list, info=not_personal)
    stands_for: Mapped[UUID | None] = mapped_column(info=not_personal)
    depends_on: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid), default=list, server_default="{}", info=not_personal
    )


class TaskReference(Base):
    """By which reference of another system's a task is known."""

    __tablename__ = "task_references"
    __table_args__ = ({"info": not_personal},)

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    external_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    task_id: Mapped[UUID] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), unique=True)
