"""Replays of campaigns on the wire."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field

from api.schemas.common import In, Out
from geoservices.campaigns.lifecycle import ReplayState
from geoservices.campaigns.replay_models import CampaignReplay
from geoservices.campaigns.rules import Gate
from geoservices.campaigns.windows import Weekday
from geoservices.leasing.models import Reason
from geoservices.outcomes.wording import in_words

MOST_DAYS = 30
MOST_VERSIONS = 2**31 - 1
"""What the database can count to."""


class ReplayIn(In):
    """What is to be replayed."""

    id: UUID | None = Field(default=None, description="The client's own, so that a retry is safe")
    days: Annotated[int, Field(ge=1, le=MOST_DAYS, strict=True)] = Field(
        default=7, description="On how many days; as far as visits are kept"
    )
    version: Annotated[int, Field(ge=1, le=MOST_VERSIONS, strict=True)] | None = Field(
        default=None, description="Which version of the campaign, from 1; the newest unless told"
    )


class CountOut(Out):
    """About how many people, and about how many times in all."""

    people: int = Field(description="How many different people")
    times: int = Field(description="How many times in all")


class OftenOut(Out):
    """About how many people would have been told from `least` to `most` times."""

    least: int = Field(description="How often at least")
    most: int | None = Field(description="How often at most; null is without an end")
    people: int | None = Field(
        description="How many; null is fewer than are told of (a setting), or nobody"
    )


class OnDayOut(Out):
    """What would have been sent on a day, by the organisation's clocks."""

    day: date
    sent: CountOut | None = Field(description="Null is to fewer people than are told of, or none")


class InHourOut(Out):
    """What would have been sent in an hour of the week, by the organisation's clocks."""

    day: Weekday
    hour: int = Field(description="When it begins, from 0 to 23")
    sent: CountOut


class AtPlaceOut(Out):
    """What would have been sent to people at a place."""

    place_id: UUID
    name: str
    sent: CountOut


class AmongOut(Out):
    """What would have been sent to people of a role, or who are told in a language."""

    name: str
    sent: CountOut


class HeldBackOut(Out):
    """What a gate would have been the first to hold back."""

    gate: Gate
    in_words: str
    held: CountOut | None = Field(description="Null is of fewer people than are told of, or none")


class ReplayResultOut(Out):
    """What came of a replay: of many people alone, rounded and somewhat blurred.

    Null is fewer people than are told of, or none; what has no row had as few.
    """

    summary: list[str] = Field(description="The most important of it, in sentences")
    caveats: list[str] = Field(description="What cannot be known afterwards, and what is left out")
    smallest: int = Field(description="Of how many people at least something is told")
    looked_at: CountOut | None = Field(description="Transitions and check-ins, and whose")
    decided: CountOut | None = Field(description="Those on which it would have decided")
    sent: CountOut | None = Field(description="Its messages")
    often: list[OftenOut]
    days: list[OnDayOut]
    hours: list[InHourOut]
    places: list[AtPlaceOut] = Field(description="Those with the most messages, at most 20")
    roles: list[AmongOut]
    languages: list[AmongOut]
    gates: list[HeldBackOut] = Field(description="In the order in which they are asked")
    waiting: CountOut | None = Field(
        description="What would have waited for a gate that time opens, if the campaign releases it"
    )

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Tell of a stored result."""
        gates = [{**one, "in_words": in_words(Gate(one["gate"]))} for one in told["gates"]]
        return cls.model_validate({**told, "gates": gates})


class ReplayOut(Out):
    """A replay, and how far it has come."""

    id: UUID
    campaign_id: UUID
    version: int = Field(description="Which version of the campaign was replayed, from 1")
    days: int = Field(description="On how many days, as it was asked for")
    since: datetime = Field(description="Visits count that began since; until it was asked for")
    state: ReplayState
    reason: Reason | None = Field(description="Why it has failed")
    share_done: float = Field(description="From 0 to 1")
    asked_by: UUID | None = Field(description="Which member; null if a machine or somebody erased")
    asked_at: datetime
    done_at: datetime | None
    result: ReplayResultOut | None = Field(description="Null until it is done")

    @classmethod
    def of(cls, replay: CampaignReplay) -> Self:
        """Tell of a replay."""
        return cls(
            id=replay.id,
            campaign_id=replay.campaign_id,
            version=replay.version,
            days=replay.days,
            since=replay.since,
            state=ReplayState(replay.state),
            reason=replay.reason and Reason(replay.reason),
            share_done=round(replay.share_done, 3),
            asked_by=replay.asked_by,
            asked_at=replay.asked_at,
            done_at=replay.done_at,
            result=replay.result and ReplayResultOut.of(replay.result),
        )
