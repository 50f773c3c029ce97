"""Exports and the parts of their files."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of


class ExportState(StrEnum):
    """How far an export has come."""

    QUEUED = "queued"
    WRITING = "writing"
    READY = "ready"
    FAILED = "failed"
    """Writing it broke off too often; the person may ask for another."""


class Export(Base):
    """A copy of everything held about a person, at one instant.

    `due_at` and `leased_until` are as a delivery has them. Each row is written twice, so
    `rows_to_write` is twice what is held; it is none until that was counted.
    """

    __tablename__ = "exports"
    __table_args__ = (
        CheckConstraint(one_of("state", ExportState), name="state_known"),
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
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(20))
    rows_written: Mapped[int] = mapped_column(default=0)
    rows_to_write: Mapped[int | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    attempt_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class ExportChunk(Base):
    """A part of an export's file; its parts in the order of their numbers are the file."""

    __tablename__ = "export_chunks"

    export_id: Mapped[UUID] = mapped_column(
        ForeignKey("exports.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)
