"""Offers, events and tasks on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import In, Instant, Name, Out, Text
from geoservices.checkins.verification import Evidence
from geoservices.listings.models import ListingKind
from geoservices.listings.service import ListingDraft


class ListingIn(In):
    """What a manager says of a listing."""

    id: UUID | None = Field(default=None, description="The client's own, so that a retry is safe")
    place_id: UUID
    kind: ListingKind
    title: Name
    text: Annotated[Text, StringConstraints(max_length=5000)] = ""
    evidence_needed: Evidence = Field(
        default=Evidence.SELF_DECLARED,
        description="The least evidence of presence that unlocks it after a check-in",
    )
    starts_at: Instant
    ends_at: Instant | None = None

    def to_draft(self) -> ListingDraft:
        """Return what the domain takes."""
        return ListingDraft(**self.model_dump(exclude={"id"}))


class ListingOut(Out):
    """Something that is on at a place."""

    id: UUID
    place_id: UUID
    kind: ListingKind
    title: str
    text: str
    evidence_needed: Evidence
    starts_at: datetime
    ends_at: datetime | None
    withdrawn_at: datetime | None
