"""Check-ins."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.checkins.verification import Evidence
from geoservices.database import Base, one_of


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
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"))
    place_id: Mapped[UUID] = mapped_column(ForeignKey("places.id"), index=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    code_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("codes.id", ondelete="SET NULL"), index=True
    )
    scanned_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"), index=True
    )
    evidence: Mapped[str] = mapped_column(String(20))
    doubts: Mapped[list[str]] = mapped_column(ARRAY(String(30)), server_default="{}")
    distance_m: Mapped[float | None]
    accuracy_m: Mapped[float | None]
    claimed_at: Mapped[datetime]
    received_at: Mapped[datetime]
