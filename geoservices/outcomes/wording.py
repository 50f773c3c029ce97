"""What came of a campaign, in sentences that a page or a command line prints."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from geoservices.campaigns.definitions import Definition, Goal, GoalKind
from geoservices.campaigns.rules import Gate
from geoservices.outcomes.rounds import Step
from geoservices.outcomes.shares import Share
from geoservices.outcomes.summing import Funnel, Result, Round, Verdict

HELD: Final[Mapping[Gate, str]] = {
    Gate.CONSENT: "They had agreed to nothing.",
    Gate.PURPOSE: "They had not agreed to the campaign's purpose.",
    Gate.SENSITIVE_PLACE: "The place is sensitive: passing it never causes a message.",
    Gate.RELEVANCE: "It had been held back, and there was no reason left to tell it.",
    Gate.CONFIDENCE: "Presence was known with less confidence than the campaign asks for.",
    Gate.AGE: "It had happened too long ago.",
    Gate.OPENING_HOURS: "The place was closed, or its opening hours were not known.",
    Gate.SCHEDULE: "It was outside the campaign's weekly windows.",
    Gate.QUIET_HOURS: "They did not want to be disturbed at that time.",
    Gate.WORKING_HOURS: "It was outside their working hours.",
    Gate.CAP: "They had got as many messages as one person may.",
    Gate.CLASS_CAP: "They had got as many messages of its class as one person may.",
    Gate.PLACE_CAP: "They had been told as much at the place as one person may.",
    Gate.CAMPAIGN_CAP: "They had got as many messages from it as the campaign sends one person.",
    Gate.COOLDOWN: "The campaign had told them within its cooldown.",
    Gate.CLAIMABLE: "What the campaign speaks of was not on.",
    Gate.DUPLICATE: "The campaign had told them on the same visit.",
    Gate.AT_MOST: "The campaign had told as many people as it tells.",
    Gate.HOLD_OUT: "The lot had fallen on them to be told nothing.",
}
"""What managers are told of a gate: the same for everyone."""
SEVERAL: Final = "Several gates, each of which held too few people to be told of by itself."
DEEDS: Final[Mapping[GoalKind, str]] = {
    GoalKind.OPENED: "opened it",
    GoalKind.CHECKED_IN: "checked in",
    GoalKind.REDEEMED: "redeemed the offer",
    GoalKind.SIGNED_UP: "signed up",
    GoalKind.ATTENDED: "came to the event",
    GoalKind.DONE: "did the task",
}
STEPS: Final[Mapping[Step, str]] = {
    Step.SENT: "were told",
    Step.ACCEPTED: "had a message accepted by their push service",
    Step.SHOWN: "were shown one",
    Step.OPENED: "opened one",
}


def in_words(gate: Gate | None) -> str:
    """Return why people were held back by a gate, or by several."""
    return SEVERAL if gate is None else HELD[gate]


def summary(
    said: Definition, rounds: Sequence[Round], result: Result, *, smallest: int
) -> list[str]:
    """Return what there is to say of a campaign and of what came of it, sentence by sentence.

    Args:
        said: What the campaign's newest version says.
        rounds: Those that are told of, the first one first.
        result: They added up, and judged.
        smallest: Of fewer people nothing is told.
    """
    return [
        *([f"Objective: {said.objective}"] if said.objective else []),
        *([f"Measure: {said.measure}"] if said.measure else []),
        *([f"Effort: {said.effort}"] if said.effort else []),
        *_counts(rounds, result.funnel, said.goal, smallest),
        *_shares(said.goal, result),
        verdict_in_words(said.goal, result.verdict),
        *_cost(result),
    ]


def verdict_in_words(goal: Goal | None, verdict: Verdict) -> str:
    """Return whether a campaign met its goal, in a sentence."""
    if goal is None:
        return "The campaign has no goal, so nobody can say whether it met it."
    if goal.kind is GoalKind.DONE:
        return {
            Verdict.MET: f"Met: the task was done {_within(goal)} publishing.",
            Verdict.NOT_MET: f"Not met: the task was not done {_within(goal)} publishing.",
        }.get(verdict, "Too early to say: the task is not done, and there is time left.")
    if verdict is Verdict.NO_TARGET or goal.target is None:
        return "The goal has no target, so there is nothing to meet or to miss."
    target = f"the target of {_percent(goal.target)}"
    return {
        Verdict.MET: f"Met: it is sure enough that the share is not below {target}.",
        Verdict.NOT_MET: f"Not met: it is sure enough that the share is below {target}.",
        Verdict.TOO_EARLY: "Too early to say: nothing is counted yet.",
    }.get(verdict, f"Too few people were told to say whether {target} is met.")


def _counts(
    rounds: Sequence[Round], funnel: Funnel, goal: Goal | None, smallest: int
) -> Iterator[str]:
    if not rounds:
        yield "Nothing is counted yet, or not of what was asked for."
        return
    span = f"From {_day(rounds[0].first_day)} to {_day(rounds[-1].last_day)}"
    if funnel.eligible is None:
        yield (
            f"{span} the campaign met fewer than {smallest} people who agreed to be counted, "
            "or nobody."
        )
        return
    yield f"{span} the campaign met {_about(funnel.eligible)} people who agreed to be counted."
    for gate, people in funnel.held.items():
        yield f"{_about(people).capitalize()} were held back. {in_words(gate)}"
    if funnel.held_out is not None:
        yield f"{_about(funnel.held_out).capitalize()} were held out by lot."
    steps = [f"{_about(n)} {STEPS[step]}" for step, n in funnel.steps.items() if n is not None]
    if funnel.reached is not None and goal is not None:
        steps.append(f"{_about(funnel.reached)} {DEEDS[goal.kind]} {_within(goal)} being told")
    if steps:
        yield f"{', '.join(steps).capitalize()}."


def _shares(goal: Goal | None, result: Result) -> Iterator[str]:
    if goal is None or result.share is None:
        return
    did = f"{DEEDS[goal.kind]} {_within(goal)}"
    yield f"Of those told {_share(result.share)} {did} being told."
    if result.held_out_share is None or result.difference is None:
        return
    yield f"Of those held out {_share(result.held_out_share)} did so without."
    apart = result.difference
    bounds = f"{_points(apart.low)} to {_points(apart.high)}"
    if apart.low > 0:
        yield f"Telling people made a difference: {_points(apart.share)} points ({bounds})."
    elif apart.high < 0:
        yield f"Fewer of those told did so, by {_points(-apart.share)} points ({bounds})."
    else:
        yield f"There are too few to say whether telling made a difference ({bounds} points)."


def _cost(result: Result) -> Iterator[str]:
    if result.hours_each is not None:
        yield f"That is {result.hours_each:.2g} hours of effort for each who reached the goal."


def _about(people: int) -> str:
    return f"about {people}"


def _share(share: Share) -> str:
    return f"{_percent(share.share)} ({_percent(share.low)} to {_percent(share.high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _points(share: float) -> str:
    return f"{100 * share:.0f}"


def _within(goal: Goal) -> str:
    return f"within {_span(goal.within)} of"


def _span(span: timedelta) -> str:
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        if span >= length and not span % length:
            count = span // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    minutes = round(span / timedelta(minutes=1))
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
