"""Campaigns and decisions on the wire."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import DurationIn, DurationOut, In, Name, Out, Text
from geoservices.access.rights import Role
from geoservices.accounts.models import Purpose
from geoservices.campaigns.models import Decision
from geoservices.campaigns.rules import CampaignClass, Gate, Trigger
from geoservices.campaigns.service import CampaignDraft
from geoservices.explanations.wording import in_words


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
    cooldown: DurationIn = Field(
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
    cooldown: DurationOut
    created_at: datetime
    published_at: datetime | None
    ended_at: datetime | None


class DecisionOut(Out):
    """A decision as its person sees it: sent where `gate` is null, else what gate said no first."""

    in_words: str = Field(description="What it means, for people")

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

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Tell of a decision, also in words."""
        gate = None if decision.gate is None else Gate(decision.gate)
        return cls(
            in_words=in_words(gate),
            id=decision.id,
            campaign_id=decision.campaign_id,
            place_id=decision.place_id,
            transition_id=decision.transition_id,
            check_in_id=decision.check_in_id,
            gate=gate,
            reason=decision.reason,
            gates_passed=decision.gates_passed,
            detail=decision.detail,
            decided_at=decision.decided_at,
        )


class CampaignDecisionOut(Out):
    """A decision as managers see it: nothing in it is the person's own or leads to them."""

    id: UUID
    campaign_id: UUID
    place_id: UUID
    gate: Gate | None
    reason: str = Field(description="What the gate stands for; the same for everyone")
    gates_passed: list[Gate]
    decided_at: datetime

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Tell of a decision without the figures behind it."""
        gate = None if decision.gate is None else Gate(decision.gate)
        return cls(
            id=decision.id,
            campaign_id=decision.campaign_id,
            place_id=decision.place_id,
            gate=gate,
            reason=REASONS[gate],
            gates_passed=[Gate(passed) for passed in decision.gates_passed],
            decided_at=decision.decided_at,
        )


REASONS: Mapping[Gate | None, str] = {
    None: "Every gate let it through.",
    Gate.CONSENT: "The person had agreed to nothing.",
    Gate.PURPOSE: "The person had not agreed to the campaign's purpose.",
    Gate.SENSITIVE_PLACE: "The place is sensitive: passing it never causes a message.",
    Gate.CONFIDENCE: "Presence was known with less confidence than the campaign asks for.",
    Gate.AGE: "It had happened too long ago.",
    Gate.OPENING_HOURS: "The place was closed, or its opening hours were not known.",
    Gate.QUIET_HOURS: "The person did not want to be disturbed at that time.",
    Gate.CAP: "The person had got as many messages as one person may.",
    Gate.COOLDOWN: "The campaign had told the person within its cooldown.",
    Gate.CLAIMABLE: "What the campaign speaks of was not on.",
    Gate.DUPLICATE: "The campaign had told the person on the same visit.",
}
"""What managers are told. A person's own settings and numbers are for that person alone."""


class OutcomesOut(Out):
    """How often a campaign sent, and how often each gate held."""

    sent: int = Field(description="How often it sent")
    held: dict[str, int] = Field(description="How often each gate held, by the gate's name")
