"""Explanations on the wire."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from api.schemas.campaigns import DecisionOut
from api.schemas.common import Out
from geoservices.campaigns.rules import Gate, Trigger
from geoservices.explanations.service import Why, WhyNot
from geoservices.explanations.wording import Check


class HeldBackOut(Out):
    """That a message had to wait before it was sent."""

    gate: Gate
    held_at: datetime
    until: datetime


class WhyOut(Out):
    """Why a person was told of something."""

    in_words: str = Field(description="All of it in a few sentences")
    what_happened: Trigger
    happened_at: datetime
    place: str | None = Field(description="The place's name; null if there is no such place now")
    sent_by: str = Field(description="The organisation's name")
    purpose: str = Field(description="What they had agreed to")
    agreed_text: str = Field(description="What they were asked and said yes to, as they read it")
    agreed_language: str = Field(description="The tag of the language that those words are in")
    agreed_at: datetime | None
    interests: list[str] = Field(description="What of their interests it was for")
    held_back: list[HeldBackOut] = Field(
        description="What had it wait, in the order in which it did"
    )
    how_to_stop: list[str] = Field(description="What they can do, from the mildest on")

    @classmethod
    def of(cls, why: Why) -> Self:
        """Show an explanation."""
        cause = why.cause
        return cls(
            in_words=why.in_words,
            what_happened=cause.trigger,
            happened_at=cause.happened_at,
            place=cause.place,
            sent_by=cause.organisation,
            purpose=cause.purpose,
            agreed_text=cause.agreed_text,
            agreed_language=cause.agreed_language,
            agreed_at=cause.agreed_at,
            interests=list(cause.interests),
            held_back=[HeldBackOut.model_validate(hold) for hold in cause.holds],
            how_to_stop=list(why.how_to_stop),
        )


class FindingOut(Out):
    """Whether something is as it has to be for a person to be told of something at a place."""

    check: Check
    passed: bool
    in_words: str


class OfferFindingOut(Out):
    """Whether a person could redeem an offer at a place."""

    listing_id: UUID
    title: str
    refused_with: str | None = Field(
        description="The code of the problem that they would be answered with now; null for none"
    )
    in_words: str


class WhyNotOut(Out):
    """Why a person was not told of anything at a place, or could not have what is offered."""

    place_id: UUID
    place: str = Field(description="The place's name")
    held: list[DecisionOut] = Field(
        description="Decisions of the last 7 days by which something was not sent, newest first; "
        "empty where it never came to one"
    )
    findings: list[FindingOut] = Field(
        description="How things stand now, for telling whoever comes by"
    )
    offers: list[OfferFindingOut] = Field(
        description="Which of the offers there the person could redeem now, and why not; at most 20"
    )

    @classmethod
    def of(cls, place_id: UUID, why_not: WhyNot) -> Self:
        """Show an explanation."""
        return cls(
            place_id=place_id,
            place=why_not.place,
            held=[DecisionOut.of(told) for told in why_not.held],
            findings=[FindingOut.model_validate(finding) for finding in why_not.findings],
            offers=[OfferFindingOut.model_validate(offer) for offer in why_not.offers],
        )
