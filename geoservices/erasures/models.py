"""Who was erased, as marks that tell nobody who it was."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base


class Erasure(Base):
    """That somebody is to be erased, and then that they were.

    `mark` is a keyed hash of the person's id (`marks`), `key_mark` tells with which key it was
    made. The id itself is there until everything is deleted, and has no foreign key, since the
    person goes before this does. The row's own id is all that whoever asked is given; it leads
    from them to nothing but the state.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        CheckConstraint("(person_id IS NULL) = (done_at IS NOT NULL)", name="named_until_done"),
        Index("ix_erasures_due", "due_at", postgresql_where="done_at IS NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    mark: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    key_mark: Mapped[bytes] = mapped_column(LargeBinary(8))
    person_id: Mapped[UUID | None]
    rows_erased: Mapped[int] = mapped_column(BigInteger, default=0)
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
