"""Files."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.register import Basis, Kept, about, not_personal, personal

PICTURED = "what a photo shows, which may be people"


class File(Base):
    """A photo of a task; what is in it lies in the store, under `sha256`.

    It is the organisation's record, and outlives whoever took it. One with `removed_at` is seen by
    nobody; a job removes it from the store and then the row.
    """

    __tablename__ = "files"
    __table_args__ = (
        CheckConstraint("size_bytes > 0 AND width_px > 0 AND height_px > 0", name="not_empty"),
        Index(
            "uq_files_of_task",
            "task_id",
            "sha256",
            unique=True,
            postgresql_where="removed_at IS NULL",
        ),
        Index("ix_files_sha256", "sha256"),
        Index("ix_files_added_at", "added_at"),
        Index("ix_files_removed_at", "removed_at", postgresql_where="removed_at IS NOT NULL"),
        {
            "info": about(
                purpose="show what was found and done where somebody worked",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(setting="retention.photos", words="after it was sent"),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4, info=not_personal)
    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id"), index=True, info=not_personal
    )
    task_id: Mapped[UUID] = mapped_column(
        ForeignKey("tasks.id", ondelete="CASCADE"), info=not_personal
    )
    added_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"), index=True, info=personal("who sent it")
    )
    added_at: Mapped[datetime] = mapped_column(info=personal("when they sent it"))
    media_type: Mapped[str] = mapped_column(String(60), info=not_personal)
    size_bytes: Mapped[int] = mapped_column(info=not_personal)
    width_px: Mapped[int] = mapped_column(info=not_personal)
    height_px: Mapped[int] = mapped_column(info=not_personal)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), info=personal(PICTURED))
    removed_at: Mapped[datetime | None] = mapped_column(info=not_personal)
