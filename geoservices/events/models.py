"""Events."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.util import immutabledict

from geoservices.listings.models import Listing, ListingKind
from geoservices.register import not_personal


class Event(Listing):
    """Something to attend at a place."""

    __tablename__ = "events"
    __table_args__ = ({"info": not_personal},)
    __mapper_args__ = immutabledict(
        {
            "polymorphic_identity": ListingKind.EVENT,
            "polymorphic_load": "inline",
        }
    )

    id: Mapped[UUID] = mapped_column(
        ForeignKey("listings.id", ondelete="CASCADE"), primary_key=True
    )
