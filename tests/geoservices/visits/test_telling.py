"""What the phone itself says of coming and going, and what readings can do against it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.visits.sights import Sight
from geoservices.visits.transitions import Change, Phase, Reason, TransitionKind, next_due
from tests.staying import (
    CLEAR,
    DWELLED,
    ENTERED,
    EXITED,
    KEPT,
    NOON,
    OUT_LONG,
    RULES,
    SILENCE,
    Stay,
    moment,
)

TOLD = Reason.TOLD_BY_PHONE
IN, OUT = ENTERED, EXITED
Heard = tuple[float, Sight | TransitionKind]
"""Seconds past noon, and what a reading shows or the phone says."""


def unfold(stay: Stay, heard: list[Heard]) -> list[tuple[TransitionKind, float, Reason, int]]:
    """Follow all that was heard; return the transitions with their seconds past noon."""
    told: list[Change] = []
    for second, what in heard:
        told += (
            stay.say(second, what) if isinstance(what, TransitionKind) else stay.see(second, what)
        )
    return [(one.kind, (one.at - NOON).total_seconds(), one.reason, one.confidence) for one in told]


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param([(0, IN)], [(ENTERED, 0, TOLD, 2)], id="told in enters at once"),
        pytest.param([(0, OUT)], [], id="told out of no visit is nothing"),
        pytest.param(
            [(0, IN), (60, OUT)],
            [(ENTERED, 0, TOLD, 2), (EXITED, 60, TOLD, 2)],
            id="told in and out",
        ),
        pytest.param([(0, IN), (10, IN)], [(ENTERED, 0, TOLD, 2)], id="told in twice enters once"),
        pytest.param(
            [(0, IN), (60, OUT), (60, OUT)],
            [(ENTERED, 0, TOLD, 2), (EXITED, 60, TOLD, 2)],
            id="told out twice leaves once",
        ),
        pytest.param(
            [(0, Sight.MARGINAL), (20, IN)],
            [(ENTERED, 0, TOLD, 2)],
            id="told in confirms an arrival, dated to its first reading",
        ),
        pytest.param(
            [(0, Sight.MARGINAL), (361, IN)],
            [(ENTERED, 361, TOLD, 2)],
            id="but not one that had lapsed",
        ),
        pytest.param([(0, Sight.MARGINAL), (20, OUT)], [], id="told out ends a mere suspicion"),
        pytest.param(
            [(0, Sight.CLEAR), (20, IN), (30, Sight.FAR), (300, Sight.FAR)],
            [(ENTERED, 0, CLEAR, 3)],
            id="told in of a visit that goes on holds it against readings",
        ),
        pytest.param(
            [(0, IN), (10, Sight.FAR), (20, Sight.FAR), (1809, Sight.FAR)],
            [(ENTERED, 0, TOLD, 2)],
            id="far readings do not end what was told for half an hour",
        ),
        pytest.param(
            [(0, IN), (10, Sight.FAR), (20, Sight.FAR), (1810, Sight.FAR)],
            [(ENTERED, 0, TOLD, 2), (EXITED, 10, OUT_LONG, 2)],
            id="then the leave was lost, and it ended at the first of them",
        ),
        pytest.param(
            [(0, IN), (10, Sight.FAR), (20, Sight.FAR), (1000, IN), (1810, Sight.FAR)],
            [(ENTERED, 0, TOLD, 2), (DWELLED, 300, Reason.STAYED, 2)],
            id="told in once more begins the half hour anew",
        ),
        pytest.param(
            [(0, Sight.CLEAR), (60, Sight.FAR), (90, OUT)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, TOLD, 3)],
            id="told out dates to the first reading outside before it",
        ),
        pytest.param(
            [(0, IN), (60, Sight.FAR), (90, OUT)],
            [(ENTERED, 0, TOLD, 2), (EXITED, 90, TOLD, 2)],
            id="unless the phone had told of coming: then its word counts",
        ),
        pytest.param(
            [(0, Sight.CLEAR), (400, OUT)],
            [(ENTERED, 0, CLEAR, 3), (DWELLED, 300, Reason.STAYED, 3), (EXITED, 400, TOLD, 3)],
            id="who leaves after the time to dwell has dwelled",
        ),
        pytest.param(
            [(0, IN), (20_000, OUT)],
            [(ENTERED, 0, TOLD, 2), (DWELLED, 300, Reason.STAYED, 2), (EXITED, 20_000, TOLD, 2)],
            id="a phone that only tells of coming and going is not silent for hours",
        ),
        pytest.param(
            [(0, IN), (43_200, OUT)],
            [(ENTERED, 0, TOLD, 2), (EXITED, 0, SILENCE, 1)],
            id="after twelve it is",
        ),
        pytest.param(
            [(0, IN), (9000, Sight.FAR), (9010, Sight.UNCERTAIN)],
            [(ENTERED, 0, TOLD, 2), (DWELLED, 300, Reason.STAYED, 2)],
            id="one far reading after a long quiet ends nothing",
        ),
        pytest.param(
            [(0, IN), (9000, Sight.FAR), (10_800, Sight.UNCERTAIN)],
            [(ENTERED, 0, TOLD, 2), (EXITED, 0, SILENCE, 1)],
            id="with nothing after it for half an hour it does",
        ),
        pytest.param(
            [(0, Sight.CLEAR), (60, Sight.FAR), (70, Sight.FAR), (220, IN)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_LONG, 3), (ENTERED, 220, TOLD, 2)],
            id="told in after an exit was due begins the next visit",
        ),
        pytest.param(
            [(0, Sight.CLEAR), (60, Sight.FAR), (70, Sight.FAR), (230, OUT)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_LONG, 3)],
            id="told out after an exit was due is nothing new",
        ),
        pytest.param(
            [(0, IN), (60, OUT), (70, Sight.CLEAR)],
            [(ENTERED, 0, TOLD, 2), (EXITED, 60, TOLD, 2), (ENTERED, 70, CLEAR, 3)],
            id="after it is over readings count as ever",
        ),
    ],
)
def test_what_the_phone_says_outranks_readings(
    heard: list[Heard], expected: list[tuple[TransitionKind, float, Reason, int]]
) -> None:
    """Readings and tellings at so many seconds past noon yield exactly these transitions."""
    assert unfold(Stay(), heard) == expected


@pytest.mark.parametrize("kind", [IN, OUT])
@pytest.mark.parametrize(
    "heard",
    [
        pytest.param([(60, Sight.CLEAR)], id="inside"),
        pytest.param([(60, Sight.MARGINAL)], id="arriving"),
        pytest.param([(0, Sight.CLEAR), (60, Sight.FAR)], id="leaving"),
        pytest.param([(0, Sight.CLEAR), (60, Sight.FAR), (70, Sight.FAR)], id="away"),
        pytest.param([(60, IN)], id="told in"),
    ],
)
def test_what_is_told_late_changes_nothing(kind: TransitionKind, heard: list[Heard]) -> None:
    """It arrives after a newer reading or telling, and is dated before it."""
    stay = Stay()
    unfold(stay, heard)
    before = stay.visit

    assert stay.say(59, kind) == []
    assert stay.visit == before


def test_a_visit_told_of_at_first_sight_is_initial() -> None:
    """The phone was never heard of before."""
    stay = Stay()

    stay.say(0, IN)

    assert stay.visit is not None
    assert stay.visit.initial
    assert stay.visit.told
    assert stay.visit.phase is Phase.INSIDE


WHAT = st.one_of(st.sampled_from(list(Sight)), st.sampled_from([IN, OUT]))
HEARD = st.lists(
    st.tuples(st.sampled_from([0, 1, 10, 59, 61, 76, 151, 301, 1790, 1801, 43_201]), WHAT),
    max_size=25,
)


@given(HEARD, st.sampled_from([timedelta(0), timedelta(minutes=5)]))
def test_whatever_is_told_and_seen_enters_and_exits_alternate(
    steps: list[tuple[int, Sight | TransitionKind]], dwell_after: timedelta
) -> None:
    """Never two enters without an exit between, dates in order, and all comes to an end."""
    stay = Stay(rules=replace(RULES, reach_m=50.0), dwell_after=dwell_after)
    second, heard = 0.0, []
    for gap, what in steps:
        second += gap
        heard.append((second, what))
    told = unfold(stay, heard)
    told += [
        (one.kind, (one.at - NOON).total_seconds(), one.reason, one.confidence)
        for one in stay.wait(second + 100_000)
    ]

    stays = [kind for kind, *_ in told if kind is not DWELLED]
    assert stays == [ENTERED, EXITED] * (len(stays) // 2)
    assert [at for _, at, *_ in told] == sorted(at for _, at, *_ in told)
    assert stay.visit is None


@given(HEARD)
def test_timers_miss_nothing_that_was_told(steps: list[tuple[int, Sight | TransitionKind]]) -> None:
    """Asked only when due, every visit is over within a day and a few looks."""
    stay = Stay()
    second = 0.0
    for gap, what in steps:
        second += gap
        unfold(stay, [(second, what)])

    now = moment(second)
    for _look in range(3):
        if stay.visit is not None:
            now = next_due(stay.visit, after=now, rules=RULES)
            stay.wait((now - NOON).total_seconds())

    assert stay.visit is None
    assert now <= moment(second) + timedelta(hours=12)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param(
            [(0, Sight.REACHING), (40, Sight.REACHING), (90, Sight.REACHING)],
            [(ENTERED, 0, Reason.WITHIN_REACH, 1)],
            id="kept within reach",
        ),
        pytest.param(
            [(0, Sight.REACHING), (361, Sight.REACHING), (400, Sight.REACHING)],
            [],
            id="not kept up",
        ),
        pytest.param(
            [(0, Sight.REACHING), (40, Sight.MARGINAL), (90, Sight.MARGINAL)],
            [],
            id="a reading inside takes its place",
        ),
        pytest.param(
            [
                (0, Sight.REACHING),
                (40, Sight.MARGINAL),
                (90, Sight.MARGINAL),
                (130, Sight.MARGINAL),
            ],
            [(ENTERED, 40, KEPT, 2)],
            id="and is believed and dated as without reach",
        ),
        pytest.param(
            [(0, Sight.REACHING), (40, Sight.CLEAR)],
            [(ENTERED, 40, CLEAR, 3)],
            id="a clear one at once",
        ),
        pytest.param(
            [(0, Sight.MARGINAL), (50, Sight.REACHING), (100, Sight.REACHING)],
            [],
            id="after a reading inside, reaching is no more than touching",
        ),
        pytest.param(
            [
                (0, Sight.MARGINAL),
                (50, Sight.REACHING),
                (110, Sight.REACHING),
                (120, Sight.REACHING),
            ],
            [(ENTERED, 0, KEPT, 2)],
            id="and confirms as touching does",
        ),
        pytest.param(
            [
                (0, Sight.REACHING),
                (50, Sight.TOUCHING),
                (100, Sight.TOUCHING),
                (120, Sight.TOUCHING),
            ],
            [(ENTERED, 0, Reason.WITHIN_REACH, 1)],
            id="touching confirms what reaches, too",
        ),
    ],
)
def test_reach_mode_adds_arrivals_of_confidence_1(
    heard: list[Heard], expected: list[tuple[TransitionKind, float, Reason, int]]
) -> None:
    """What is inside decides as it does without."""
    assert unfold(Stay(rules=replace(RULES, reach_m=50)), heard) == expected
