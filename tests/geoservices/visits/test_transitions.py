"""The life of a visit, told reading by reading."""

from dataclasses import replace
from datetime import timedelta

import pytest

from geoservices.visits.transitions import (
    Change,
    Phase,
    Reading,
    Reason,
    TransitionKind,
    VisitState,
    advance,
    elapse,
    next_due,
)
from tests.staying import (
    CLEAR,
    DWELL_AFTER,
    DWELLED,
    ENTERED,
    EXITED,
    NOON,
    OUT_LONG,
    OUT_TWICE,
    RULES,
    SECOND,
    Fix,
    Stay,
    moment,
)


def seconds(change: Change) -> tuple[TransitionKind, float, Reason, int]:
    """Return a change with its instant as seconds past noon."""
    return change.kind, (change.at - NOON).total_seconds(), change.reason, change.confidence


@pytest.mark.parametrize(
    ("fixes", "expected"),
    [
        pytest.param([(0, -20, 8)], [(ENTERED, 0, CLEAR, 3)], id="walks in clearly"),
        pytest.param([(0, 80, 8), (30, 5, 8)], [], id="passes by outside"),
        pytest.param([(0, -5, 20)], [], id="one marginal reading proves nothing"),
        pytest.param(
            [(0, -5, 20), (60, -6, 20)],
            [(ENTERED, 0, SECOND, 2)],
            id="a second marginal one within a minute enters, dated to the first",
        ),
        pytest.param([(0, -5, 20), (300, -6, 20)], [], id="marginal twice five minutes apart"),
        pytest.param(
            [(0, -5, 20), (300, -6, 20), (320, -4, 20)],
            [(ENTERED, 300, SECOND, 2)],
            id="a lapsed suspicion begins anew with the reading that came too late",
        ),
        pytest.param(
            [(0, -5, 20), (30, -25, 20)],
            [(ENTERED, 0, CLEAR, 3)],
            id="marginal and then clear is certain",
        ),
        pytest.param(
            [(0, -5, 20), (20, 3, 20), (40, -5, 20)],
            [(ENTERED, 0, SECOND, 2)],
            id="no verdict in between does not spoil the second inside",
        ),
        pytest.param(
            [(0, -5, 20), (20, 90, 8), (40, -5, 20)],
            [],
            id="far outside in between does",
        ),
        pytest.param([(0, -500, 201), (10, -500, 201)], [], id="too inaccurate to prove arrival"),
        pytest.param(
            [(0, -500, 200)], [(ENTERED, 0, CLEAR, 3)], id="just accurate enough for arrival"
        ),
        pytest.param(
            [(0, -20, 8), (60, 200, 1.9), (70, -20, 8), (400, -20, 8)],
            [(ENTERED, 0, CLEAR, 3), (DWELLED, 300, Reason.STAYED, 3)],
            id="one wild fix 200 m away claiming 1.9 m never ends a stay",
        ),
        pytest.param(
            [(0, -20, 8), (60, 200, 1.9), (70, -20, 8), (90, 200, 1.9), (100, -20, 8)],
            [(ENTERED, 0, CLEAR, 3)],
            id="nor do two wild fixes with the truth between them",
        ),
        pytest.param(
            [(0, -20, 8), (60, 40, 8), (70, 60, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_TWICE, 3)],
            id="two readings outside end it at the first",
        ),
        pytest.param(
            [(0, -20, 8), (60, 40, 8), (70, 15, 8), (80, 60, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_TWICE, 3)],
            id="no verdict between the two takes nothing back",
        ),
        pytest.param(
            [(0, -20, 8), (60, 27, 8), (70, 27, 8), (200, 27, 8)],
            [(ENTERED, 0, CLEAR, 3)],
            id="outside by less than accuracy and margin is no verdict",
        ),
        pytest.param(
            [(0, -20, 8), (60, 988, 122), (70, 988, 122)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_TWICE, 3)],
            id="988 m away at 122 m accuracy is an exit",
        ),
        pytest.param(
            [(0, -20, 8), (60, 121, 5000), (70, 121, 5000)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_TWICE, 3)],
            id="an absurd accuracy counts as 100 m when leaving",
        ),
        pytest.param(
            [(0, -20, 8), (60, 119, 5000), (70, 119, 5000)],
            [(ENTERED, 0, CLEAR, 3)],
            id="and within those 100 m and the margin it is no verdict",
        ),
        pytest.param(
            [(0, -20, 8), (60, 40, 8), (180, -20, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_LONG, 3), (ENTERED, 180, CLEAR, 3)],
            id="outside for two minutes is an exit though the next reading is inside again",
        ),
        pytest.param(
            [(0, -5, 20), (30, -5, 20), (60, 90, 8), (70, 90, 8)],
            [(ENTERED, 0, SECOND, 2), (EXITED, 60, OUT_TWICE, 2)],
            id="an exit is no surer than the enter was",
        ),
        pytest.param(
            [(0, -20, 8), (299, -20, 8)], [(ENTERED, 0, CLEAR, 3)], id="too brief to dwell"
        ),
        pytest.param(
            [(0, -20, 8), (310, -20, 8), (900, -20, 8)],
            [(ENTERED, 0, CLEAR, 3), (DWELLED, 300, Reason.STAYED, 3)],
            id="a later reading finds that it dwelled, once",
        ),
        pytest.param(
            [(0, -20, 8), (310, 90, 8), (320, 90, 8)],
            [
                (ENTERED, 0, CLEAR, 3),
                (DWELLED, 300, Reason.STAYED, 3),
                (EXITED, 310, OUT_TWICE, 3),
            ],
            id="dwells, then leaves",
        ),
        pytest.param(
            [(0, -20, 8), (290, 90, 8), (310, -20, 8)],
            [(ENTERED, 0, CLEAR, 3), (DWELLED, 300, Reason.STAYED, 3)],
            id="a wild fix when it should dwell only delays the news",
        ),
        pytest.param(
            [(0, -20, 8), (290, 90, 8), (310, 90, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 290, OUT_TWICE, 3)],
            id="gone before it would have dwelled",
        ),
        pytest.param(
            [(0, -20, 8), (2000, -20, 8)],
            [
                (ENTERED, 0, CLEAR, 3),
                (DWELLED, 300, Reason.STAYED, 3),
                (EXITED, 300, Reason.SILENCE, 1),
                (ENTERED, 2000, CLEAR, 3),
            ],
            id="silence closes as inferred when last believed there, and the next visit begins",
        ),
        pytest.param(
            [(0, -20, 8), (60, -20, 8), (2000, 500, 8)],
            [
                (ENTERED, 0, CLEAR, 3),
                (DWELLED, 300, Reason.STAYED, 3),
                (EXITED, 300, Reason.SILENCE, 1),
            ],
            id="silence and then far away is one inferred exit",
        ),
        pytest.param([(0, -5, 20), (2000, 500, 8)], [], id="a suspicion dies of silence unheard"),
    ],
)
def test_a_visit_unfolds(
    fixes: list[Fix], expected: list[tuple[TransitionKind, float, Reason, int]]
) -> None:
    """Readings at so many seconds past noon yield exactly these transitions."""
    stay = Stay()

    told = [change for fix in fixes for change in stay.hear(fix)]

    assert [seconds(change) for change in told] == expected


def test_the_margin_grows_with_the_geofence() -> None:
    """A tenth of the size, where that is more than 20 m: 40 m round a hall of 400 m."""
    inside = advance_one(None, second=0, distance_m=-50, size_m=400)
    near = advance_one(inside, second=10, distance_m=47, size_m=400)
    far = advance_one(inside, second=10, distance_m=49, size_m=400)

    assert near is not None
    assert far is not None
    assert near.phase is Phase.INSIDE
    assert far.phase is Phase.LEAVING


def advance_one(
    visit: VisitState | None, *, second: float, distance_m: float, size_m: float
) -> VisitState | None:
    """Follow one reading of 8 m accuracy in a geofence of that size."""
    reading = Reading(at=moment(second), distance_m=distance_m, accuracy_m=8, size_m=size_m)
    return advance(visit, reading, rules=RULES, dwell_after=DWELL_AFTER)[0]


def entered(second: float = 0, *, dwell_after: timedelta = DWELL_AFTER) -> Stay:
    """A stay that has begun clearly."""
    stay = Stay(dwell_after=dwell_after)
    stay.hear((second, -20, 8))
    return stay


def test_dwelling_comes_by_the_timer_too_and_once() -> None:
    """Nothing more is heard, and the timer says it at the time it is due."""
    stay = entered()

    assert stay.wait(299) == []
    assert [seconds(one) for one in stay.wait(301)] == [(DWELLED, 300, Reason.STAYED, 3)]
    assert stay.wait(302) == []
    assert stay.hear((310, -20, 8)) == []


def test_a_lost_phone_does_not_dwell() -> None:
    """Last heard of more than ten minutes before it would have dwelled: no one knows."""
    stay = entered(dwell_after=timedelta(minutes=20))

    told = [*stay.wait(1201), *stay.wait(1800)]

    assert [seconds(one) for one in told] == [(EXITED, 0, Reason.SILENCE, 1)]


def test_a_phone_heard_of_on_the_way_does_dwell() -> None:
    """The same long dwell, but the device was seen inside ten minutes before."""
    stay = entered(dwell_after=timedelta(minutes=20))
    stay.hear((600, -20, 8))

    assert [seconds(one) for one in stay.wait(1201)] == [(DWELLED, 1200, Reason.STAYED, 3)]


def test_a_reading_without_verdict_keeps_the_visit_alive() -> None:
    """It did not place the device far outside, so it is no silence."""
    stay = entered()
    stay.wait(301)
    stay.hear((1700, 15, 50))

    assert stay.wait(1801) == []
    assert [seconds(one) for one in stay.wait(3501)] == [(EXITED, 1700, Reason.SILENCE, 1)]


def test_one_reading_outside_and_two_minutes_are_an_exit() -> None:
    """Dated to the reading; a second earlier it is none yet."""
    stay = entered()
    stay.hear((60, 200, 8))

    assert stay.wait(179) == []
    assert [seconds(one) for one in stay.wait(180)] == [(EXITED, 60, OUT_LONG, 3)]


def test_an_ended_visit_keeps_when_and_why_it_ended() -> None:
    """The state that is stored says the same as the transition."""
    visit = entered().visit
    assert visit is not None

    ended, [exited] = elapse(replace(visit, dwelled_at=visit.entered_at), moment(1800), rules=RULES)

    assert ended is not None
    assert (ended.phase, ended.exited_at, ended.exit_reason) == (
        Phase.ENDED,
        exited.at,
        exited.reason,
    )


@pytest.mark.parametrize(
    ("fixes", "initial"),
    [
        pytest.param([(0, -20, 8)], True, id="the device's first reading is inside"),
        pytest.param([(0, -5, 20), (30, -5, 20)], True, id="marginal at first sight"),
        pytest.param([(0, 500, 8), (60, -20, 8)], False, id="it was seen elsewhere before"),
    ],
)
def test_a_visit_knows_whether_it_began_at_first_sight(fixes: list[Fix], *, initial: bool) -> None:
    """Nobody saw it come in: the enter is `initial`."""
    stay = Stay()

    for fix in fixes:
        stay.hear(fix)

    assert stay.visit is not None
    assert stay.visit.initial is initial


@pytest.mark.parametrize(
    ("fixes", "after", "due"),
    [
        pytest.param([(0, -20, 8)], 1, 300, id="dwelling comes first"),
        pytest.param([(0, -20, 8), (310, -20, 8)], 311, 2110, id="then silence"),
        pytest.param([(0, -20, 8), (60, 90, 8)], 61, 180, id="an exit to confirm"),
        pytest.param([(0, -5, 20)], 1, 1800, id="a suspicion to forget"),
        pytest.param([(0, -20, 8)], 400, 400, id="a dwell told late is due at once"),
        pytest.param([(0, -20, 8)], 4000, 4000, id="never before it is asked"),
    ],
)
def test_the_next_timer(fixes: list[Fix], after: float, due: float) -> None:
    """When time alone will next bring something about."""
    stay = Stay()
    for fix in fixes:
        stay.hear(fix)

    assert stay.visit is not None
    assert next_due(stay.visit, after=moment(after), rules=RULES) == moment(due)


def test_a_dwell_that_cannot_be_claimed_sets_no_timer() -> None:
    """A lost phone is looked at once, when silence ends the visit."""
    stay = entered(dwell_after=timedelta(minutes=20))

    assert stay.visit is not None
    assert next_due(stay.visit, after=moment(1), rules=RULES) == moment(1800)
