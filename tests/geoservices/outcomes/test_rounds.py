"""What is told of people is of ten or more, and so is the difference of whatever is told."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.campaigns.rules import Gate
from geoservices.outcomes.rounds import Arm, Group, Met, Step, next_round, tell
from geoservices.statistics.counting import STEP

K = 10


def told(step: Step, people: int, *, reached: bool = False, variant: str = "a") -> Group:
    """People whom a message reached so far, one message each."""
    return Group(
        arm=Arm.TOLD,
        people=people,
        variant=variant,
        ending=step,
        reached=reached,
        messages=people,
    )


def held_out(people: int, *, reached: bool = False) -> Group:
    """People whom the lot kept from being told."""
    return Group(arm=Arm.HELD_OUT, people=people, reached=reached)


def held(gate: Gate, people: int) -> Group:
    """People whom a gate held back."""
    return Group(arm=Arm.HELD, people=people, ending=gate)


PEOPLE = st.integers(0, 60)
GROUPS = st.lists(
    st.one_of(
        st.builds(
            told,
            st.sampled_from(Step),
            PEOPLE,
            reached=st.booleans(),
            variant=st.sampled_from(["a", "b"]),
        ),
        st.builds(held_out, PEOPLE, reached=st.booleans()),
        st.builds(held, st.sampled_from(Gate), PEOPLE),
    ),
    max_size=12,
)


def size(groups: Sequence[Group], arm: Arm) -> int:
    """How many people of an arm there are."""
    return sum(one.people for one in groups if one.arm is arm)


@given(GROUPS)
def test_each_group_that_is_told_is_of_ten_people_or_more(groups: list[Group]) -> None:
    """And of no more than there are; in steps, so that one more seldom shows."""
    answer = tell(groups, smallest=K)

    assert all(one.people >= K and one.people % STEP == 0 for one in answer)
    for arm in Arm:
        assert size(answer, arm) <= size(groups, arm)
    keys = [(one.arm, one.variant, one.ending, one.reached) for one in answer]
    assert len(set(keys)) == len(keys)


@given(GROUPS)
def test_nobody_counts_for_having_come_further_than_they_did(groups: list[Group]) -> None:
    """By step and by goal, what is told is never more than what is true."""
    answer = tell(groups, smallest=K)

    for step in Step:
        further = list(Step)[list(Step).index(step) :]
        for reached in ({True}, {True, False}):
            true, said = (
                sum(
                    one.people
                    for one in some
                    if one.arm is Arm.TOLD and one.ending in further and one.reached in reached
                )
                for some in (groups, answer)
            )
            assert said <= true


@given(st.integers(1, K - 1), GROUPS)
def test_few_and_none_look_alike(few: int, groups: list[Group]) -> None:
    """Whoever sees all that is told cannot tell whether a few people were met, or nobody."""
    others = [one for one in groups if one.arm is not Arm.TOLD]
    someone = [told(Step.OPENED, few, reached=True), told(Step.SENT, 0)]

    assert tell([*others, *someone], smallest=K) == tell(others, smallest=K)


@pytest.mark.parametrize(
    ("groups", "answer"),
    [
        pytest.param(
            [told(Step.OPENED, 30), told(Step.SHOWN, 20), told(Step.ACCEPTED, 4)],
            {("opened", False): 30, ("shown", False): 20},
            id="a few at the end are left out",
        ),
        pytest.param(
            [told(Step.OPENED, 4), told(Step.SHOWN, 20), told(Step.SENT, 12)],
            {("shown", False): 20, ("sent", False): 10},
            id="a few who came further count with those who came less far",
        ),
        pytest.param(
            [told(Step.OPENED, 12, reached=True), told(Step.OPENED, 17)],
            {("opened", True): 10, ("opened", False): 15},
            id="enough reached the goal",
        ),
        pytest.param(
            [told(Step.OPENED, 9, reached=True), told(Step.OPENED, 17)],
            {("opened", False): 25},
            id="few reached the goal",
        ),
        pytest.param(
            [
                told(Step.OPENED, 6, reached=True),
                told(Step.SENT, 6, reached=True),
                told(Step.SENT, 30),
            ],
            {("sent", True): 10, ("sent", False): 30},
            id="the goal is told rather than whether they opened anything",
        ),
        pytest.param([told(Step.OPENED, 9)], {}, id="nine"),
    ],
)
def test_small_groups_are_told_with_others(
    groups: list[Group], answer: dict[tuple[str, bool], int]
) -> None:
    """With those of whom less is said."""
    assert {(one.ending, one.reached): one.people for one in tell(groups, smallest=K)} == answer


def test_variants_with_few_people_are_told_together() -> None:
    """Each by itself takes fifty."""
    groups = [told(Step.SENT, 50, variant="a"), told(Step.SENT, 20, variant="b")]
    more = [*groups, told(Step.SENT, 20, variant="c")]

    assert [(one.variant, one.people) for one in tell(groups, smallest=K)] == [
        ("a", 50),
        (None, 20),
    ]
    assert [(one.variant, one.people) for one in tell(more, smallest=K)] == [("a", 50), (None, 40)]


def test_gates_that_held_few_are_told_together() -> None:
    """If they are enough together."""
    groups = [held(Gate.CAP, 15), held(Gate.AGE, 6), held(Gate.CLAIMABLE, 5)]

    assert {one.ending: one.people for one in tell(groups, smallest=K)} == {"cap": 15, None: 10}
    assert {one.ending: one.people for one in tell(groups[:2], smallest=K)} == {"cap": 15}


@pytest.mark.parametrize(
    ("by_day", "is_over", "days"),
    [
        pytest.param([50, 50, 50], False, None, id="it goes on"),
        pytest.param([50, 50, 100, 50], False, 3, id="full"),
        pytest.param([0] * 10, False, 10, id="nobody for ten days"),
        pytest.param([3], True, 1, id="it is over"),
        pytest.param([150, 150, 5], True, 2, id="full before it is over"),
    ],
)
def test_a_round_is_over_when_it_is_full_or_long_or_the_campaign_is(
    by_day: list[int],
    is_over: bool,  # noqa: FBT001
    days: int | None,
) -> None:
    """Two hundred people, ten days, or the end."""
    met = [Met(day, told(Step.SENT, people)) for day, people in enumerate(by_day)]

    found = next_round(met, days=len(by_day), most_days=10, is_over=is_over, smallest=K)

    assert (found and found[0]) == days


@given(st.lists(GROUPS, max_size=25), st.integers(0, 25))
def test_what_was_told_is_not_told_again_with_one_day_more(
    days: list[list[Group]], seen: int
) -> None:
    """Rounds follow one another without a gap, and a later look only adds whole ones.

    So no day, and nobody of one, is found by taking one look from another.
    """
    before, after = rounds(days[:seen]), rounds(days)

    assert after[: len(before)] == before
    assert all(one.people >= K for _, groups in after[len(before) :] for one in groups)


def rounds(days: Sequence[Sequence[Group]]) -> list[tuple[int, list[Group]]]:
    """All rounds of a campaign that goes on, each with how many days it has."""
    told_of: list[tuple[int, list[Group]]] = []
    left = list(days)
    while True:
        met = [Met(day, group) for day, groups in enumerate(left) for group in groups]
        found = next_round(met, days=len(left), most_days=10, is_over=False, smallest=K)
        if found is None:
            return told_of
        told_of.append(found)
        left = left[found[0] :]
