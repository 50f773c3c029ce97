"""Rounds added up, and whether a campaign met its goal."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from geoservices.campaigns.definitions import Goal, GoalKind
from geoservices.campaigns.rules import Gate
from geoservices.outcomes.rounds import Arm, Group, Step
from geoservices.outcomes.shares import Share, Tally, difference, share_of
from geoservices.statistics.counting import STEP

HOURS: Final = re.compile(r"\s*(\d{1,6}(?:[.,]\d{1,3})?)\s*(?:h|hrs?|hours?)?\s*")


class Verdict(StrEnum):
    """Whether a campaign met what it was for."""

    MET = "met"
    NOT_MET = "not-met"
    TOO_EARLY = "too-early"
    """Nothing is counted yet."""
    TOO_FEW = "too-few"
    """Too few people were told for the counts to say."""
    NO_TARGET = "no-target"
    NO_GOAL = "no-goal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What was told of some days; `versions` are those that were in force meanwhile."""

    first_day: date
    last_day: date
    goal: Goal | None
    versions: tuple[int, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """About how many people came how far; None is fewer than are told of, or nobody.

    `held` are by gate in the order of gates, those of several gates at the end under None. Whoever
    reached the goal has done so whether or not they opened anything.
    """

    eligible: int | None
    held: Mapping[Gate | None, int]
    held_out: int | None
    held_out_reached: int | None
    steps: Mapping[Step, int | None]
    reached: int | None
    messages: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a campaign.

    Attributes:
        funnel: Of all people.
        variants: Of those told, by what they were told, where that is told of.
        share: Of those told, how many reached the goal.
        held_out_share: Of those held out, how many did so by themselves.
        difference: By how much the first is larger.
        verdict: Whether the goal is met.
        hours_each: Hours of effort for each who reached it.
    """

    funnel: Funnel
    variants: Mapping[str, Funnel]
    share: Share | None
    held_out_share: Share | None
    difference: Share | None
    verdict: Verdict
    hours_each: float | None


def add_up(rounds: Sequence[Round], goal: Goal | None, *, effort: str, smallest: int) -> Result:
    """Add up what was told of rounds, and judge it by a goal.

    Rounds that were counted by another goal say nothing of this one. The target is met if even the
    lower bound of the share is not below it, and not met if the upper bound is (`shares`).

    Args:
        rounds: Those that are asked about.
        goal: What the campaign's newest version says of it.
        effort: What the campaign says that it cost.
        smallest: So many people must be in a group for it to be told.
    """
    groups = [group for one in rounds for group in one.groups]
    alike = [one.groups for one in rounds if _same(one.goal, goal)]
    ours, theirs = (_tally(alike, arm, smallest) for arm in (Arm.TOLD, Arm.HELD_OUT))
    share = share_of(ours) if goal else None
    apart = goal is not None and goal.kind is not GoalKind.OPENED
    reaching = [group for of_round in alike for group in of_round]
    funnel = _funnel(groups, reaching)
    hours = hours_of(effort)
    names = sorted({one.variant for one in groups if one.variant is not None})
    return Result(
        funnel=funnel,
        variants={
            name: _funnel(
                [one for one in groups if one.variant == name],
                [one for one in reaching if one.variant == name],
            )
            for name in names
        },
        share=share,
        held_out_share=share_of(theirs) if apart else None,
        difference=difference(ours, theirs) if apart else None,
        verdict=_judge(goal, share, counted=bool(rounds)),
        hours_each=hours / funnel.reached if hours is not None and funnel.reached else None,
    )


def judge_work(
    goal: Goal, *, published_at: datetime | None, done_at: datetime | None, at: datetime
) -> Verdict:
    """Judge by whether a task was done in time; it is the organisation's own, and nobody's data."""
    if published_at is None:
        return Verdict.TOO_EARLY
    by = published_at + goal.within
    if done_at is not None and done_at <= by:
        return Verdict.MET
    return Verdict.NOT_MET if at > by else Verdict.TOO_EARLY


def hours_of(effort: str) -> float | None:
    """Return the hours that words of an effort are, such as “12”, “1.5 hours” or “3 h”."""
    found = HOURS.fullmatch(effort)
    return float(found[1].replace(",", ".")) if found else None


def choose(
    rounds: Iterable[Round], *, version: int | None, first: date | None, last: date | None
) -> list[Round]:
    """Return the rounds that lie wholly within some days, and in which one version was in force."""
    return [
        one
        for one in rounds
        if (version is None or one.versions == (version,))
        and (first is None or first <= one.first_day)
        and (last is None or one.last_day <= last)
    ]


def _same(one: Goal | None, other: Goal | None) -> bool:
    if one is None or other is None:
        return False
    return (one.kind, one.within) == (other.kind, other.within)


def _judge(goal: Goal | None, share: Share | None, *, counted: bool) -> Verdict:
    if goal is None:
        return Verdict.NO_GOAL
    if not counted:
        return Verdict.TOO_EARLY
    if share is None:
        return Verdict.TOO_FEW
    if goal.target is None:
        return Verdict.NO_TARGET
    if share.low >= goal.target:
        return Verdict.MET
    return Verdict.NOT_MET if share.high < goal.target else Verdict.TOO_FEW


def _tally(rounds: Iterable[Sequence[Group]], arm: Arm, smallest: int) -> Tally:
    """Return how many of an arm reached the goal, with the most that rounding may have taken.

    A group may be larger than it is told by less than a step. By themselves or not, fewer than
    the smallest group may be left out of either side, or be counted with the other.
    """
    told, hidden = STEP - 1, smallest - 1
    reached = others = reached_slack = others_slack = uncertain = 0
    for groups in rounds:
        own = [one for one in groups if one.arm is arm]
        for variant in {one.variant for one in own}:
            chain = [one for one in own if one.variant == variant]
            did = [one.people for one in chain if one.reached]
            did_not = [one.people for one in chain if not one.reached]
            reached += sum(did)
            others += sum(did_not)
            reached_slack += told * len(did) + hidden
            others_slack += told * len(did_not) + hidden
            uncertain += 0 if did else min(hidden, sum(did_not))
    return Tally(
        reached=reached,
        others=others,
        reached_least=reached,
        reached_most=reached + reached_slack,
        others_least=others - uncertain,
        others_most=others + others_slack,
    )


def _funnel(groups: Sequence[Group], reaching: Sequence[Group]) -> Funnel:
    told, held_out, held = (
        [one for one in groups if one.arm is arm] for arm in (Arm.TOLD, Arm.HELD_OUT, Arm.HELD)
    )
    by_gate = {gate: _people(one for one in held if one.ending == gate) for gate in (*Gate, None)}
    reached = [one for one in reaching if one.reached]
    return Funnel(
        eligible=_people(groups),
        held={gate: people for gate, people in by_gate.items() if people is not None},
        held_out=_people(held_out),
        held_out_reached=_people(one for one in reached if one.arm is Arm.HELD_OUT),
        steps={
            step: _people(one for one in told if one.ending in list(Step)[number:])
            for number, step in enumerate(Step)
        },
        reached=_people(one for one in reached if one.arm is Arm.TOLD),
        messages=sum(one.messages for one in told) or None,
    )


def _people(groups: Iterable[Group]) -> int | None:
    return sum(one.people for one in groups) or None
