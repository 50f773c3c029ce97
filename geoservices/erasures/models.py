"""Who was erased, as marks that tell nobody who it was."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.leasing.models import Due
from geoservices.register import Basis, Kept, about, personal


class Erasure(Due, Base):
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
        {
            "info": about(
                purpose="erase people, and erase them again after a backup was restored",
                basis=Basis.LEGAL_OBLIGATION,
                kept=Kept(setting="rights.erasures_kept", words="after it was done"),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the erasure's number, for whoever asked")
    )
    mark: Mapped[bytes] = mapped_column(
        LargeBinary(32), unique=True, info=personal("a keyed hash of the person's number")
    )
    key_mark: Mapped[bytes] = mapped_column(
        LargeBinary(8), info=personal("with which key that was made")
    )
    person_id: Mapped[UUID | None] = mapped_column(
        info=personal("who, until everything is deleted")
    )
    rows_erased: Mapped[int] = mapped_column(
        BigInteger, default=0, info=personal("how much there was")
    )
    asked_at: Mapped[datetime] = mapped_column(info=personal("when they asked"))
    due_at: Mapped[datetime] = mapped_column(info=personal("when it is tried next"))
    done_at: Mapped[datetime | None] = mapped_column(info=personal("when it was done"))
