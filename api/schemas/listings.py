"""Offers, events and tasks on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import In, Instant, Name, Out, Text
from geoservices.checkins.verification import Evidence
from geoservices.listings.models import Listing, ListingKind


class ListingFields(In):
    """What a manager says of a listing of any kind."""

    id: UUID | None = Field(default=None, description="The client's own, so that a retry is safe")
    place_id: UUID
    title: Name
    text: Annotated[Text, StringConstraints(max_length=5000)] = ""
    evidence_needed: Evidence = Field(
        default=Evidence.SELF_DECLARED,
        description="The least evidence of presence that unlocks it after a check-in",
    )
    starts_at: Instant
    ends_at: Instant | None = None


class ListingHead(Out):
    """What anyone may know of a listing."""

    id: UUID
    place_id: UUID
    kind: ListingKind
    title: str
    evidence_needed: Evidence
    starts_at: datetime
    ends_at: datetime | None
    withdrawn_at: datetime | None


class ListingOut(ListingHead):
    """A listing as its managers see it."""

    text: str


class ListingShown(ListingHead):
    """A listing as people see it; what it says is theirs once it is unlocked."""

    text: str | None = Field(description="Null while the listing is locked")

    @classmethod
    def of(cls, listing: Listing, *, unlocked: bool) -> Self:
        """Show a listing, with its text only if it is unlocked."""
        shown = cls.model_validate(listing)
        return shown if unlocked else shown.model_copy(update={"text": None})
