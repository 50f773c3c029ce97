"""Exports and the parts of their files."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.leasing.models import Asked, Reason
from geoservices.register import Basis, Kept, about, personal


class ExportState(StrEnum):
    """How far an export has come."""

    QUEUED = "queued"
    WRITING = "writing"
    READY = "ready"
    FAILED = "failed"
    """Writing it broke off too often; the person may ask for another."""


class Export(Asked, Base):
    """A copy of everything held about a person, at one instant.

    `due_at` and `leased_until` are as a delivery has them. Each row is written twice, so
    `rows_to_write` is twice what is held; it is none until that was counted.
    """

    __tablename__ = "exports"
    __table_args__ = (
        CheckConstraint(one_of("state", ExportState), name="state_known"),
        CheckConstraint(one_of("reason", Reason), name="reason_known"),
        CheckConstraint(
            "(state = 'ready') = (ready_at IS NOT NULL AND size_bytes IS NOT NULL)",
            name="ready_whole",
        ),
        Index("ix_exports_person", "person_id", "created_at"),
        Index(
            "uq_exports_under_way",
            "person_id",
            unique=True,
            postgresql_where="state IN ('queued', 'writing')",
        ),
        Index("ix_exports_due", "due_at", postgresql_where="state IN ('queued', 'writing')"),
        Index("ix_exports_expires", "expires_at"),
        {
            "info": about(
                purpose="give people a copy of what is held about them",
                basis=Basis.LEGAL_OBLIGATION,
                kept=Kept(setting="rights.export_kept", words="after it was ready"),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the copy's number")
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), info=personal("whose it is")
    )
    state: Mapped[str] = mapped_column(String(20), info=personal("how far it has come"))
    reason: Mapped[str | None] = mapped_column(
        String(20), info=personal("why it could not be written")
    )
    rows_written: Mapped[int] = mapped_column(default=0, info=personal("how much of it is written"))
    rows_to_write: Mapped[int | None] = mapped_column(info=personal("of how much"))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger, info=personal("how large it is"))
    attempt_count: Mapped[int] = mapped_column(default=0, info=personal("how often it was tried"))
    created_at: Mapped[datetime] = mapped_column(info=personal("when it was asked for"))
    due_at: Mapped[datetime] = mapped_column(info=personal("when it is tried next"))
    leased_until: Mapped[datetime | None] = mapped_column(
        info=personal("until when a worker has it")
    )
    ready_at: Mapped[datetime | None] = mapped_column(info=personal("when it was ready"))
    expires_at: Mapped[datetime] = mapped_column(info=personal("when it goes"))


class ExportChunk(Base):
    """A part of an export's file; its parts in the order of their numbers are the file."""

    __tablename__ = "export_chunks"
    __table_args__ = (
        {
            "info": about(
                purpose="give people a copy of what is held about them",
                basis=Basis.LEGAL_OBLIGATION,
                kept=Kept(setting="rights.export_kept", words="after it was ready"),
            )
        },
    )

    export_id: Mapped[UUID] = mapped_column(
        ForeignKey("exports.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal("of which copy"),
    )
    number: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, info=personal("which part")
    )
    data: Mapped[bytes] = mapped_column(
        LargeBinary, info=personal("everything held about the person", special=True)
    )
