"""Whether a campaign met its goal, and what is said of it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given

from geoservices.campaigns.definitions import Goal, GoalKind
from geoservices.campaigns.rules import Gate
from geoservices.outcomes.rounds import Arm, Group, Step, tell
from geoservices.outcomes.summing import Round, Verdict, add_up, choose, hours_of
from geoservices.outcomes.wording import HELD, SEVERAL, summary
from tests.factories import make_definition
from tests.geoservices.outcomes.test_rounds import GROUPS

K = 10
GOAL = Goal(kind=GoalKind.REDEEMED, within=timedelta(days=2), target=0.2)
MARCH = date(2026, 3, 2)
AGREED = "people who agreed to be counted"


def a_round(
    reached: int, others: int, *, held_out: tuple[int, int] = (0, 0), goal: Goal | None = GOAL
) -> Round:
    """A week in which so many reached the goal of those told and of those held out."""
    counts = ((Arm.TOLD, Step.SENT, (reached, others)), (Arm.HELD_OUT, None, held_out))
    groups = [
        Group(arm=arm, people=people, ending=ending, reached=did)
        for arm, ending, both in counts
        for did, people in zip((True, False), both, strict=True)
    ]
    return Round(
        first_day=MARCH,
        last_day=MARCH + timedelta(days=6),
        goal=goal,
        versions=(1,),
        groups=tuple(tell(groups, smallest=K)),
    )


@pytest.mark.parametrize(
    ("rounds", "verdict"),
    [
        pytest.param([], Verdict.TOO_EARLY, id="nothing counted"),
        pytest.param([a_round(4, 5)], Verdict.TOO_FEW, id="nine people"),
        pytest.param([a_round(100, 200)], Verdict.MET, id="a third"),
        pytest.param([a_round(25, 475)], Verdict.NOT_MET, id="a twentieth"),
        pytest.param([a_round(0, 500)], Verdict.NOT_MET, id="nobody of many"),
        pytest.param([a_round(0, 30)], Verdict.TOO_FEW, id="nobody of thirty, or nine"),
        pytest.param([a_round(15, 45)], Verdict.TOO_FEW, id="a quarter of sixty"),
        pytest.param(
            [a_round(100, 200, goal=None)], Verdict.TOO_FEW, id="counted without that goal"
        ),
        pytest.param(
            [a_round(100, 200, goal=replace(GOAL, target=0.9))],
            Verdict.MET,
            id="the target may change",
        ),
    ],
)
def test_the_target_is_met_if_it_is_sure_enough(rounds: list[Round], verdict: Verdict) -> None:
    """And not met if that is; else there are too few to say."""
    assert add_up(rounds, GOAL, effort="", smallest=K).verdict is verdict


def test_without_a_goal_or_a_target_nothing_is_judged() -> None:
    """It is said so."""
    rounds = [a_round(100, 200)]

    assert add_up(rounds, None, effort="", smallest=K).verdict is Verdict.NO_GOAL
    without = replace(GOAL, target=None)
    assert add_up(rounds, without, effort="", smallest=K).verdict is Verdict.NO_TARGET


@given(GROUPS)
def test_the_true_share_of_those_met_lies_within_the_bounds(groups: list[Group]) -> None:
    """Whatever was rounded away, told with others, or left out of a part that is told of."""
    groups = [replace(one, variant="a") for one in groups if one.arm is Arm.TOLD]
    told = Round(
        first_day=MARCH,
        last_day=MARCH,
        goal=GOAL,
        versions=(1,),
        groups=tuple(tell(groups, smallest=K)),
    )
    reached = sum(one.people for one in groups if one.reached)
    people = sum(one.people for one in groups)

    share = add_up([told], GOAL, effort="", smallest=K).share

    if share is not None:
        assert share.low <= reached / people <= share.high


@pytest.mark.parametrize(
    ("effort", "hours"),
    [
        ("12", 12.0),
        (" 1.5 hours ", 1.5),
        ("1,5 h", 1.5),
        ("1 hour", 1.0),
        ("An hour", None),
        ("", None),
        ("12 posters", None),
        ("-3", None),
    ],
)
def test_an_effort_is_hours_or_words(effort: str, hours: float | None) -> None:
    """A number alone is one of hours."""
    assert hours_of(effort) == hours


def test_only_whole_rounds_are_chosen() -> None:
    """A day less on either side, or another version beside, and a round is left out."""
    one = a_round(100, 200)
    two = replace(
        one,
        first_day=one.last_day + timedelta(days=1),
        last_day=one.last_day + timedelta(days=7),
        versions=(1, 2),
    )
    day = timedelta(days=1)

    def chosen(**asked: object) -> list[Round]:
        return choose([one, two], **{"version": None, "first": None, "last": None, **asked})  # type: ignore[arg-type]

    assert chosen() == [one, two]
    assert chosen(version=1) == [one]
    assert chosen(version=2) == []
    assert chosen(first=one.first_day, last=one.last_day) == [one]
    assert chosen(first=one.first_day + day) == [two]
    assert chosen(last=one.last_day - day) == []


def test_all_of_it_is_said_in_sentences() -> None:
    """Those that a page or a command line prints."""
    said = make_definition(
        goal=GOAL, objective="More people at the library.", measure="Redemptions.", effort="15 h"
    )
    held = (
        Group(arm=Arm.HELD, people=20, ending=Gate.QUIET_HOURS),
        Group(arm=Arm.HELD, people=10),
    )
    told = a_round(100, 200, held_out=(10, 90))
    rounds = [replace(told, groups=(*told.groups, *held))]

    result = add_up(rounds, GOAL, effort=said.effort, smallest=K)

    assert summary(said, rounds, result, smallest=K) == [
        "Objective: More people at the library.",
        "Measure: Redemptions.",
        "Effort: 15 h",
        f"From 2 March 2026 to 8 March 2026 the campaign met about 430 {AGREED}.",
        "About 20 were held back. They did not want to be disturbed at that time.",
        f"About 10 were held back. {SEVERAL}",
        "About 100 were held out by lot.",
        "About 300 were told, about 100 redeemed the offer within 2 days of being told.",
        "Of those told 33 % (27 % to 42 %) redeemed the offer within 2 days of being told.",
        "Of those held out 10 % (5 % to 29 %) did so without.",
        "Telling people made a difference: 23 points (2 to 34).",
        "Met: it is sure enough that the share is not below the target of 20 %.",
        "That is 0.15 hours of effort for each who reached the goal.",
    ]


def test_every_gate_has_a_sentence_without_figures() -> None:
    """What managers read is the same for everyone."""
    assert set(HELD) == set(Gate)
    assert not any(letter.isdigit() for words in HELD.values() for letter in words)
