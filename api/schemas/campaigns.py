"""Campaigns and decisions on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import msgspec
from pydantic import Field

from api.schemas.common import Name, Out
from api.schemas.definitions import Definition
from geoservices.accounts.models import Purpose
from geoservices.campaigns import definitions
from geoservices.campaigns.drafts import CampaignDraft
from geoservices.campaigns.lifecycle import State
from geoservices.campaigns.models import Campaign, CampaignVersion, Decision
from geoservices.campaigns.rules import CampaignClass, Gate
from geoservices.campaigns.service import state_at
from geoservices.explanations.wording import in_words


class CampaignIn(Definition):
    """Who is told of a listing, when and how often."""

    id: UUID | None = Field(default=None, description="The client's own, so that a retry is safe")
    listing_id: UUID
    name: Name
    purpose: Purpose
    campaign_class: CampaignClass = CampaignClass.SERVICE

    def to_draft(self) -> CampaignDraft:
        """Return what the domain takes."""
        frame = {"listing_id", "name", "purpose", "campaign_class"}
        document = self.model_dump(exclude={"id", *frame})
        return CampaignDraft(
            **self.model_dump(include=frame),
            definition=msgspec.convert(document, definitions.Definition),
        )


class CampaignOut(Definition):
    """A campaign as its newest version defines it, and how far it has come."""

    id: UUID
    listing_id: UUID
    name: str
    purpose: Purpose
    campaign_class: CampaignClass
    state: State
    version: int = Field(description="The number of the newest version, from 1")
    created_at: datetime
    submitted_at: datetime | None
    published_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, campaign: Campaign, version: CampaignVersion, *, at: datetime) -> Self:
        """Tell of a campaign and its newest version."""
        told = Definition.model_validate(definitions.read(version.definition))
        frame = {name: getattr(campaign, name) for name in FRAME}
        return cls(**told.model_dump(), **frame, state=state_at(campaign, version, at))


FRAME = (
    *("id", "listing_id", "name", "purpose", "campaign_class", "version"),
    *("created_at", "submitted_at", "published_at", "ended_at"),
)


class CampaignVersionOut(Out):
    """One version: what it said, who wrote it, and for what happened when it counts."""

    number: int = Field(description="From 1, in the order in which they were made")
    definition: Definition
    made_at: datetime
    made_by: UUID | None = Field(description="Which member; null if a machine or somebody erased")
    in_force_from: datetime | None
    in_force_until: datetime | None

    @classmethod
    def of(cls, version: CampaignVersion) -> Self:
        """Tell of a version."""
        return cls(
            number=version.number,
            definition=Definition.model_validate(definitions.read(version.definition)),
            made_at=version.made_at,
            made_by=version.made_by,
            in_force_from=version.in_force_from,
            in_force_until=version.in_force_until,
        )


class DecisionOut(Out):
    """A decision as its person sees it: sent where `gate` is null, else what gate said no first."""

    in_words: str = Field(description="What it means, for people")

    id: UUID
    campaign_id: UUID
    version: int = Field(description="Which version of the campaign decided, from 1")
    place_id: UUID
    transition_id: UUID | None
    check_in_id: UUID | None
    gate: str | None
    reason: str
    gates_passed: list[str]
    detail: dict[str, Any]
    decided_at: datetime
    waits_until: datetime | None = Field(
        description="When it is looked at again; null where it is not, or was sent"
    )
    follows_id: UUID | None = Field(
        description="The decision that held the same message back first, if this looked at it again"
    )

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Tell of a decision, also in words."""
        gate = None if decision.gate is None else Gate(decision.gate)
        return cls(
            in_words=in_words(gate, waits=decision.waits_until is not None),
            id=decision.id,
            campaign_id=decision.campaign_id,
            version=decision.version,
            place_id=decision.place_id,
            transition_id=decision.transition_id,
            check_in_id=decision.check_in_id,
            gate=gate,
            reason=decision.reason,
            gates_passed=decision.gates_passed,
            detail=decision.detail,
            decided_at=decision.decided_at,
            waits_until=decision.waits_until,
            follows_id=decision.follows_id,
        )


class CampaignDecisionOut(Out):
    """A decision as managers see it: nothing in it is the person's own or leads to them."""

    id: UUID
    campaign_id: UUID
    version: int = Field(description="Which version decided, from 1")
    place_id: UUID
    gate: Gate | None
    reason: str = Field(description="What the gate stands for; the same for everyone")
    gates_passed: list[Gate]
    decided_at: datetime
    follows_id: UUID | None = Field(
        description="The decision that held the same message back first, if this looked at it again"
    )

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Tell of a decision without the figures behind it."""
        gate = None if decision.gate is None else Gate(decision.gate)
        return cls(
            id=decision.id,
            campaign_id=decision.campaign_id,
            version=decision.version,
            place_id=decision.place_id,
            gate=gate,
            reason=REASONS[gate],
            gates_passed=[Gate(passed) for passed in decision.gates_passed],
            decided_at=decision.decided_at,
            follows_id=decision.follows_id,
        )


REASONS: Mapping[Gate | None, str] = {
    None: "Every gate let it through.",
    Gate.CONSENT: "The person had agreed to nothing.",
    Gate.PURPOSE: "The person had not agreed to the campaign's purpose.",
    Gate.SENSITIVE_PLACE: "The place is sensitive: passing it never causes a message.",
    Gate.RELEVANCE: "It had been held back, and there was no reason left to tell it.",
    Gate.CONFIDENCE: "Presence was known with less confidence than the campaign asks for.",
    Gate.AGE: "It had happened too long ago.",
    Gate.OPENING_HOURS: "The place was closed, or its opening hours were not known.",
    Gate.SCHEDULE: "It was outside the campaign's weekly windows.",
    Gate.QUIET_HOURS: "The person did not want to be disturbed at that time.",
    Gate.CAP: "The person had got as many messages as one person may.",
    Gate.CLASS_CAP: "The person had got as many messages of its class as one person may.",
    Gate.PLACE_CAP: "The person had been told as much at the place as one person may.",
    Gate.CAMPAIGN_CAP: "The person had got as many messages from it as the campaign sends one.",
    Gate.COOLDOWN: "The campaign had told the person within its cooldown.",
    Gate.CLAIMABLE: "What the campaign speaks of was not on.",
    Gate.DUPLICATE: "The campaign had told the person on the same visit.",
    Gate.HOLD_OUT: "The lot had fallen on the person to be told nothing.",
}
"""What managers are told. A person's own settings and numbers are for that person alone."""


class OutcomesOut(Out):
    """How often a campaign sent, and how often each gate held."""

    sent: int = Field(description="How often it sent")
    held: dict[str, int] = Field(description="How often each gate held, by the gate's name")
