"""Campaigns and decisions on the wire."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import In, Name, Out, Text
from geoservices.accounts.models import Purpose, Role
from geoservices.campaigns.rules import CampaignClass, Trigger
from geoservices.campaigns.service import CampaignDraft


class CampaignIn(In):
    """Who is told of a listing, when and how often."""

    id: UUID | None = Field(default=None, description="The client's own, so that a retry is safe")
    listing_id: UUID
    name: Name
    trigger: Trigger
    audience: Role
    purpose: Purpose
    campaign_class: CampaignClass = CampaignClass.SERVICE
    title: Name = Field(description="First line of the notification")
    body: Annotated[Text, StringConstraints(min_length=1, max_length=500)]
    min_confidence: int = Field(
        default=2, ge=1, le=3, description="Least confidence in the person's presence, 1 to 3"
    )
    only_when_open: bool = Field(
        default=False, description="Hold while the place is closed by its opening hours"
    )
    cooldown: timedelta = Field(
        default=timedelta(hours=12), ge=timedelta(0), le=timedelta(days=365)
    )

    def to_draft(self) -> CampaignDraft:
        """Return what the domain takes."""
        return CampaignDraft(**self.model_dump(exclude={"id"}))


class CampaignOut(Out):
    """A campaign: a draft until `published_at`, over from `ended_at`."""

    id: UUID
    listing_id: UUID
    name: str
    trigger: Trigger
    audience: Role
    purpose: Purpose
    campaign_class: CampaignClass
    title: str
    body: str
    min_confidence: int = Field(description="1 to 3")
    only_when_open: bool
    cooldown: timedelta
    created_at: datetime
    published_at: datetime | None
    ended_at: datetime | None


class DecisionOut(Out):
    """What a campaign decided: sent where `gate` is null, else the first gate that said no."""

    id: UUID
    campaign_id: UUID
    place_id: UUID
    transition_id: UUID | None
    check_in_id: UUID | None
    gate: str | None
    reason: str
    gates_passed: list[str]
    detail: dict[str, Any]
    decided_at: datetime


class OutcomesOut(Out):
    """How often a campaign sent, and how often each gate held."""

    sent: int = Field(description="How often it sent")
    held: dict[str, int] = Field(description="How often each gate held, by the gate's name")
