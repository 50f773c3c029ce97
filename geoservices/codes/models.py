"""Codes."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.codes.links import CodeKind
from geoservices.database import Base, one_of
from geoservices.register import not_personal


class Code(Base):
    """Something to scan at a place. What it says is made from its id and the service's key.

    It counts from `valid_from` until `valid_until`, unless revoked.
    """

    __tablename__ = "codes"
    __table_args__ = (
        CheckConstraint(one_of("kind", CodeKind), name="kind_known"),
        CheckConstraint("valid_until > valid_from", name="ends_after_start"),
        Index("ix_codes_place", "place_id", "created_at", "id"),
        {"info": not_personal},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    place_id: Mapped[UUID] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(120))
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
