"""Check-ins."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.checkins.verification import Evidence
from geoservices.database import Base, one_of
from geoservices.register import Basis, Kept, about, personal


class CheckIn(Base):
    """A person's own word that they are at a place, graded by what speaks for it.

    The position it was made from is not kept: the distance and the grade are all that is needed.
    `doubts` holds what kept the grade from being higher. `code_id` is the code of the place that
    was shown, whether it spoke for anything or not; `scanned_by` the member of staff who scanned.
    """

    __tablename__ = "check_ins"
    __table_args__ = (
        CheckConstraint(one_of("evidence", Evidence), name="evidence_known"),
        Index("ix_check_ins_device_claimed", "device_id", "claimed_at", "id"),
        Index("ix_check_ins_received", "received_at"),
        {
            "info": about(
                purpose="show who checks in what is on where they are",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="retention.check_ins",
                    words="after it was made, or until its consent is withdrawn",
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=personal("the check-in's number"))
    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), info=personal("whose device")
    )
    place_id: Mapped[UUID] = mapped_column(
        ForeignKey("places.id"), index=True, info=personal("where", special=True)
    )
    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id"), info=personal("whose place it is", special=True)
    )
    code_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("codes.id", ondelete="SET NULL"),
        index=True,
        info=personal("which code was scanned", special=True),
    )
    scanned_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"),
        index=True,
        info=personal("which member of staff scanned"),
    )
    evidence: Mapped[str] = mapped_column(String(20), info=personal("how much speaks for it"))
    doubts: Mapped[list[str]] = mapped_column(
        ARRAY(String(30)), server_default="{}", info=personal("what speaks against more")
    )
    distance_m: Mapped[float | None] = mapped_column(info=personal("how far from the place"))
    accuracy_m: Mapped[float | None] = mapped_column(info=personal("how good the position was"))
    claimed_at: Mapped[datetime] = mapped_column(info=personal("when, by the phone", special=True))
    received_at: Mapped[datetime] = mapped_column(info=personal("when it arrived", special=True))
