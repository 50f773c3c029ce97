"""Runs of campaigns on the wire."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from api.schemas.common import In, Out
from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.statistics import counting

OF_FEW = "in steps of five, null of fewer than ten"


class CampaignRunIn(In):
    """That a campaign shall tell all whom it is for, now."""

    id: UUID | None = Field(default=None, description="The client's own, so that a retry is safe")


class CampaignRunOut(Out):
    """One time that a campaign goes, or went, through all whom it is for."""

    id: UUID
    campaign_id: UUID
    version: int = Field(description="Which version of the campaign it goes by, from 1")
    trigger: Trigger
    state: CampaignRunState
    reason: str | None = Field(
        description="Why it was stopped, passed over or given up, or that it left people out"
    )
    listing_id: UUID | None = Field(description="Of what it speaks")
    place_id: UUID | None = Field(description="Where that is")
    occurred_at: datetime = Field(description="When it was to begin")
    created_at: datetime
    ended_at: datetime | None
    requested_by: UUID | None = Field(description="Which member asked for it; null if none did")
    people: int | None = Field(
        description=f"How many people it is for, as counted when it began, {OF_FEW}"
    )
    gone_through: int | None = Field(description=f"How many of them it has come to, {OF_FEW}")
    sent: int | None = Field(description=f"How many people it has told so far, {OF_FEW}")
    held: int | None = Field(description=f"How many the gates kept from being told, {OF_FEW}")
    failed: int | None = Field(
        description=f"How many could not be decided on, and were told nothing, {OF_FEW}"
    )

    @classmethod
    def of(cls, run: CampaignRun, *, smallest: int) -> Self:
        """Tell of a run; of few people nothing is told."""
        return cls(
            id=run.id,
            campaign_id=run.campaign_id,
            version=run.version,
            trigger=Trigger(run.trigger),
            state=CampaignRunState(run.state),
            reason=run.reason,
            listing_id=run.listing_id,
            place_id=run.place_id,
            occurred_at=run.occurred_at,
            created_at=run.created_at,
            ended_at=run.ended_at,
            requested_by=run.requested_by,
            people=counting.told(run.people or 0, smallest=smallest),
            gone_through=counting.told(run.gone_through, smallest=smallest),
            sent=counting.told(run.sent, smallest=smallest),
            held=counting.told(run.held, smallest=smallest),
            failed=counting.told(run.failed, smallest=smallest),
        )
