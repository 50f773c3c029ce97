"""What came of campaigns, on the wire."""

from collections.abc import Mapping
from datetime import date
from typing import Self
from uuid import UUID

from pydantic import Field

from api.schemas.common import Out
from api.schemas.definitions import Goal
from geoservices.campaigns.lifecycle import State
from geoservices.campaigns.rules import Gate
from geoservices.outcomes.rounds import Step
from geoservices.outcomes.service import Outcome
from geoservices.outcomes.shares import Share
from geoservices.outcomes.summing import Funnel, Verdict
from geoservices.outcomes.wording import in_words


class HeldOut(Out):
    """Those whom one gate held back whenever the campaign decided about them."""

    gate: Gate | None = Field(description="The one that came last; null for several, with few each")
    in_words: str
    people: int = Field(description="About how many")


class StepsOut(Out):
    """How far messages came with people; whoever opened one counts as having been shown it."""

    sent: int | None = Field(description="About how many people were told")
    accepted: int | None = Field(description="Of how many a push service took a message, at least")
    shown: int | None = Field(description="How many were shown one, at least")
    opened: int | None = Field(description="How many opened one, at least")
    goal: int | None = Field(
        description="How many reached the goal, whether or not they opened one"
    )
    messages: int | None = Field(description="How many messages they were sent")

    @classmethod
    def of(cls, funnel: Funnel) -> Self:
        """Tell of those who were told."""
        steps: Mapping[Step, int | None] = funnel.steps
        return cls(
            sent=steps[Step.SENT],
            accepted=steps[Step.ACCEPTED],
            shown=steps[Step.SHOWN],
            opened=steps[Step.OPENED],
            goal=funnel.reached,
            messages=funnel.messages,
        )


class VariantOut(StepsOut):
    """The same of those who were told one variant."""

    variant: str


class HoldOutOut(Out):
    """Those whom the lot kept from being told."""

    people: int | None = Field(description="About how many")
    goal: int | None = Field(description="How many reached the goal all the same")


class ShareOut(Out):
    """A share from 0 to 1, and between which bounds the true one lies 19 times in 20."""

    share: float = Field(description="From 0 to 1; a difference from -1")
    low: float = Field(description="From 0 to 1; a difference from -1")
    high: float = Field(description="From 0 to 1; a difference from -1")


class RoundOut(Out):
    """Some days that were counted together."""

    first_day: date
    last_day: date
    versions: list[int] = Field(description="Of the campaign, from 1, in force on these days")


class OutcomeOut(Out):
    """What came of a campaign, of those who agreed to be counted. Each number of people is about.

    They are sums of numbers rounded down to multiples of 5; null is fewer than are told of (a
    setting), or nobody.
    """

    campaign_id: UUID
    state: State
    objective: str
    measure: str
    effort: str
    goal: Goal | None
    rounds: list[RoundOut]
    is_final: bool = Field(description="Whether all that there was of it is counted")
    eligible: int | None = Field(description="How many people it decided about")
    held: list[HeldOut] = Field(description="Who was held back, in the order of the gates")
    hold_out: HoldOutOut
    told: StepsOut
    variants: list[VariantOut] = Field(description="Where a variant told enough people")
    goal_share: ShareOut | None = Field(description="Of those told, how many reached the goal")
    hold_out_share: ShareOut | None = Field(description="Of those held out")
    difference: ShareOut | None = Field(description="By how much the first is larger")
    verdict: Verdict = Field(description="Whether the goal's target is met")
    hours_each: float | None = Field(
        description="How many hours of effort for each who reached the goal, if it is said in hours"
    )
    summary: list[str] = Field(description="All of it in sentences")

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """Tell of an outcome."""
        result, funnel, said = outcome.result, outcome.result.funnel, outcome.said
        return cls(
            campaign_id=outcome.campaign.id,
            state=outcome.state,
            objective=said.objective,
            measure=said.measure,
            effort=said.effort,
            goal=Goal.model_validate(said.goal) if said.goal else None,
            rounds=[RoundOut.model_validate(one) for one in outcome.rounds],
            is_final=outcome.is_final,
            eligible=funnel.eligible,
            held=[
                HeldOut(gate=gate, in_words=in_words(gate), people=people)
                for gate, people in funnel.held.items()
            ],
            hold_out=HoldOutOut(people=funnel.held_out, goal=funnel.held_out_reached),
            told=StepsOut.of(funnel),
            variants=[
                VariantOut(variant=name, **StepsOut.of(one).model_dump())
                for name, one in result.variants.items()
            ],
            goal_share=_share(result.share),
            hold_out_share=_share(result.held_out_share),
            difference=_share(result.difference),
            verdict=result.verdict,
            hours_each=result.hours_each,
            summary=list(outcome.summary),
        )


def _share(share: Share | None) -> ShareOut | None:
    return None if share is None else ShareOut.model_validate(share)
