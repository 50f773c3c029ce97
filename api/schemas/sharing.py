"""Tags of places, and the sharing of them, on the wire."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from api.schemas.common import In, Out
from api.schemas.members import Tags
from geoservices.accounts.models import Organisation
from geoservices.places.models import PlaceShare


class TagsIn(In):
    """All tags that a place shall have."""

    tags: Tags


class TagsOut(Out):
    """A place's tags, in the order of the alphabet."""

    tags: list[str]


class ParentIn(In):
    """Which place a place shall be part of."""

    parent_id: UUID | None = Field(description="Another of the organisation's places; null is none")


class ParentOut(Out):
    """Which place a place is part of."""

    parent_id: UUID | None


class ShareIn(In):
    """On what terms a place is shared."""

    statistics: bool = Field(
        default=False, strict=True, description="Whether the partner sees how many come"
    )


class ShareOut(Out):
    """A place shared with a partner."""

    partner: str = Field(description="The partner's slug")
    partner_name: str
    statistics: bool
    shared_at: datetime

    @classmethod
    def of(cls, share: PlaceShare, partner: Organisation) -> Self:
        """Show a share."""
        return cls(
            partner=partner.slug,
            partner_name=partner.name,
            statistics=share.statistics,
            shared_at=share.shared_at,
        )


class EndedOut(Out):
    """How much of the partner's ended at the place when the sharing did."""

    listings: int = Field(description="How many were withdrawn")
    campaigns: int = Field(description="How many were ended")
    codes: int = Field(description="How many were revoked")
