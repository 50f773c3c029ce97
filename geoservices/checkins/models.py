"""Check-ins."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.checkins.verification import Evidence
from geoservices.database import Base, one_of


class CheckIn(Base):
    """A person's own word that they are at a place, graded by what speaks for it.

    The position it was made from is not kept: the distance and the grade are all that is needed.
    """

    __tablename__ = "check_ins"
    __table_args__ = (
        CheckConstraint(one_of("evidence", Evidence), name="evidence_known"),
        Index("ix_check_ins_device_claimed", "device_id", "claimed_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"))
    place_id: Mapped[UUID] = mapped_column(ForeignKey("places.id"), index=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    evidence: Mapped[str] = mapped_column(String(20))
    distance_m: Mapped[float | None]
    accuracy_m: Mapped[float | None]
    claimed_at: Mapped[datetime]
    received_at: Mapped[datetime]
