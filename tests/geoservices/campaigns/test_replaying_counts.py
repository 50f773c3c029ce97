"""What is told of a replay: of ten people at least, and never what one person more would show."""

import math
import random
from collections import Counter
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.campaigns.replaying_counts import EPSILON, Blur, Count, geometric

PEOPLE = [UUID(int=number) for number in range(400)]
SECRET = b"a secret of the service's"


def blur(secret: bytes = SECRET) -> Blur:
    """Blurs counts of everybody there is."""
    return Blur(PEOPLE, secret=secret, smallest=10)


def counted(*people: int, secret: bytes = SECRET) -> Count | None:
    """What is told of people, each as often as they are named."""
    return blur(secret).count(np.array(people, dtype=np.int64))


@given(st.lists(st.integers(0, 30)))
def test_of_few_people_nothing_is_told(people: list[int]) -> None:
    """However often they came; of ten or more, in steps of five and not less than ten."""
    found = counted(*people)

    assert (found is None) == (len(set(people)) < 10)
    if found is not None:
        assert found.people >= 10
        assert found.people % 5 == 0
        assert found.times >= found.people


@given(st.sets(st.integers(0, 399), min_size=10), st.randoms())
def test_the_same_people_are_always_as_many(people: set[int], lots: random.Random) -> None:
    """In whatever order and by whatever question: to ask again shows nothing."""
    shuffled = list(people)
    lots.shuffle(shuffled)

    assert counted(*people) == counted(*shuffled)


def test_one_person_more_draws_anew() -> None:
    """Of many sets of 54 people and the same with one more, about as many are told to be fewer."""
    before, after = [], []
    for number in range(300):
        some = range(number, number + 54)
        before.append(counted(*some))
        after.append(counted(*some, number + 54))

    changes = Counter(
        two.people - one.people for one, two in zip(before, after, strict=True) if one and two
    )
    # By steps alone there would be one way from 54 to 55: always up by five.
    assert changes[0] < 200
    assert sum(number for change, number in changes.items() if change < 0) > 50
    assert sum(number for change, number in changes.items() if change > 0) > 50


def test_no_amount_is_much_likelier_than_its_neighbours() -> None:
    """So no number is more than exp(EPSILON) times as likely with one person more."""
    drawn = Counter(geometric((number + 0.5) / 200_000) for number in range(200_000))

    for amount in range(-8, 9):
        assert drawn[amount] / drawn[amount + 1] <= math.exp(EPSILON) * 1.05
        assert drawn[amount] / drawn[amount + 1] >= math.exp(-EPSILON) / 1.05
    assert abs(sum(amount * number for amount, number in drawn.items())) < 200
    assert -80 < geometric(0.0) < geometric(1 - 2**-53) < 80


def test_without_the_secret_nobody_knows_what_was_drawn() -> None:
    """Another service, another number."""
    told = {counted(*range(200), secret=bytes([number])) for number in range(30)}

    assert len(told) > 2


def test_nobody_stands_out() -> None:
    """Somebody who came 5,000 times counts for no more than the tenth most does."""
    once = [*range(40)]
    often = [*once, *[7] * 5000]

    assert counted(*often) == counted(*once)


@pytest.mark.parametrize("times", [1, 2, 7, 60])
def test_what_happens_often_is_told_about_as_often(times: int) -> None:
    """Two hundred people, each so often: a twelfth more or less."""
    found = counted(*list(range(200)) * times)

    assert found is not None
    assert found.times == pytest.approx(200 * times, rel=1 / 12)


def test_groups_are_told_of_one_by_one() -> None:
    """Those of few people are left out."""
    people = np.array([*range(30), *range(5), *range(100, 120)])
    groups = np.array([*[3] * 30, *[1] * 5, *[8] * 20])

    found = dict(blur().by(people, groups))

    assert list(found) == [3, 8]
    assert found[8] == counted(*range(100, 120))
    assert dict(blur().by(people[:0], groups[:0])) == {}
