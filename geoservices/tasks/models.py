"""Tasks."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.util import immutabledict

from geoservices.listings.models import Listing, ListingKind
from geoservices.register import not_personal


class Task(Listing):
    """Something for staff to do at a place."""

    __tablename__ = "tasks"
    __table_args__ = ({"info": not_personal},)
    __mapper_args__ = immutabledict(
        {
            "polymorphic_identity": ListingKind.TASK,
            "polymorphic_load": "inline",
        }
    )

    id: Mapped[UUID] = mapped_column(
        ForeignKey("listings.id", ondelete="CASCADE"), primary_key=True
    )
