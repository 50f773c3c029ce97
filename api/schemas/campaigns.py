"""Campaigns and decisions on the wire."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

import msgspec
from pydantic import Field

from api.schemas.common import Name, Out
from api.schemas.definitions import Definition
from geoservices.accounts.models import Purpose
from geoservices.calendars.recurrence import read_rule
from geoservices.campaigns import definitions
from geoservices.campaigns.drafts import CampaignDraft
from geoservices.campaigns.lifecycle import State
from geoservices.campaigns.models import Campaign, CampaignVersion
from geoservices.campaigns.rules import CampaignClass
from geoservices.campaigns.service import state_at
from geoservices.explanations.service import Told
from geoservices.explanations.wording import Fate


class CampaignIn(Definition):
    """Who is told of something, when and how often."""

    id: UUID | None = Field(default=None, description="The client's own, so that a retry is safe")
    listing_id: UUID | None = Field(
        default=None,
        description="Of what it speaks; null of whatever listing sets it off, or of none",
    )
    name: Name
    purpose: Purpose
    campaign_class: CampaignClass = CampaignClass.SERVICE

    def to_draft(self) -> CampaignDraft:
        """Return what the domain takes.

        Raises:
            RecurrenceRefused: The rule of its timetable cannot be read.
        """
        frame = {"listing_id", "name", "purpose", "campaign_class"}
        document = self.model_dump(exclude={"id", *frame})
        timetable = document["timetable"]
        if timetable is not None and timetable["rule"] is not None:
            timetable["rule"] = read_rule(timetable["rule"], field="/timetable/rule")
        return CampaignDraft(
            **self.model_dump(include=frame),
            definition=msgspec.convert(document, definitions.Definition),
        )


class CampaignOut(Definition):
    """A campaign as its newest version defines it, and how far it has come."""

    id: UUID
    listing_id: UUID | None
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
    became: Fate = Field(
        description="What became of its message in the end: also by a decision that followed it"
    )

    id: UUID
    campaign_id: UUID
    version: int = Field(description="Which version of the campaign decided, from 1")
    place_id: UUID | None
    transition_id: UUID | None
    check_in_id: UUID | None
    run_id: UUID | None = Field(description="In which run; null if they set it off themselves")
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
    def of(cls, told: Told) -> Self:
        """Tell of a decision, also in words."""
        decision = told.decision
        return cls(
            in_words=told.in_words,
            became=told.became,
            id=decision.id,
            campaign_id=decision.campaign_id,
            version=decision.version,
            place_id=decision.place_id,
            transition_id=decision.transition_id,
            check_in_id=decision.check_in_id,
            run_id=decision.run_id,
            gate=decision.gate,
            reason=decision.reason,
            gates_passed=decision.gates_passed,
            detail=decision.detail,
            decided_at=decision.decided_at,
            waits_until=decision.waits_until,
            follows_id=decision.follows_id,
        )
