"""The life of a visit, told reading by reading."""

from dataclasses import replace
from datetime import timedelta

import pytest

from geoservices.visits.transitions import (
    Change,
    Phase,
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
    KEPT,
    NOON,
    OUT_LONG,
    RULES,
    SILENCE,
    Fix,
    Stay,
    moment,
    sight,
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
            [(0, -5, 20), (40, -6, 20), (89, -6, 20)],
            [],
            id="nor do several of them in less than 90 s",
        ),
        pytest.param(
            [(0, -5, 20), (40, -6, 20), (90, -6, 20)],
            [(ENTERED, 0, KEPT, 2)],
            id="kept inside for 90 s enters, dated to the first",
        ),
        pytest.param(
            [(0, -5, 20), (360, -6, 20)],
            [(ENTERED, 0, KEPT, 2)],
            id="six minutes with nothing heard are not too long",
        ),
        pytest.param([(0, -5, 20), (361, -6, 20), (722, -6, 20)], [], id="more than six are"),
        pytest.param(
            [(0, -5, 20), (400, -6, 20), (440, -4, 20), (490, -4, 20)],
            [(ENTERED, 400, KEPT, 2)],
            id="a lapsed suspicion begins anew with the reading that came too late",
        ),
        pytest.param(
            [(0, -5, 20), (30, -40, 20)],
            [(ENTERED, 0, CLEAR, 3)],
            id="marginal and then clear is certain",
        ),
        pytest.param(
            [(0, -5, 20), (50, 3, 20), (90, -5, 20)],
            [(ENTERED, 0, KEPT, 2)],
            id="touching in between keeps it",
        ),
        pytest.param(
            [(0, -5, 20), (50, 3, 20), (110, 3, 20), (119, 3, 20)],
            [],
            id="and does not confirm it in less than 120 s",
        ),
        pytest.param(
            [(0, -5, 20), (50, 3, 20), (110, 3, 20), (120, 3, 20)],
            [(ENTERED, 0, KEPT, 2)],
            id="but does after that",
        ),
        pytest.param(
            [(0, 3, 20), (50, 3, 20), (110, 3, 20), (120, 3, 20), (170, 3, 20)],
            [],
            id="touching alone is no arrival, in less than four minutes",
        ),
        pytest.param(
            [(0, 300, 8), *((10 * n, 3, 20) for n in range(1, 60))],
            [],
            id="nor ever of a phone that reports often",
        ),
        pytest.param(
            [(0, 3, 20), (120, 3, 20), (240, 3, 20)],
            [(ENTERED, 0, Reason.WITHIN_REACH, 1)],
            id="of one that reports seldom it is one, after four",
        ),
        pytest.param([(0, 3, 20), (60, 3, 20), (239, 3, 20)], [], id="and not a second before"),
        pytest.param(
            [(0, 3, 20), (300, -5, 20)],
            [(ENTERED, 0, KEPT, 2)],
            id="with a reading inside at its end it is surer",
        ),
        pytest.param(
            [(0, 3, 20), (100, -5, 20), (160, -5, 20), (190, -5, 20)],
            [(ENTERED, 100, KEPT, 2)],
            id="one inside before that takes its place, and is dated anew",
        ),
        pytest.param(
            [(0, 3, 20), (300, -40, 20)],
            [(ENTERED, 300, CLEAR, 3)],
            id="so does a clear one at any time",
        ),
        pytest.param(
            [(0, 300, 20), (59, 3, 20), (110, 3, 20), (160, 3, 20), (299, 3, 20)],
            [],
            id="touching less than a minute after another reading begins nothing",
        ),
        pytest.param(
            [(0, 300, 20), (60, 3, 20), (110, 3, 20), (160, 3, 20), (300, 3, 20)],
            [(ENTERED, 60, Reason.WITHIN_REACH, 1)],
            id="after a minute it does",
        ),
        pytest.param(
            [(0, 3, 20), (300, 25, 20), (600, 3, 20)],
            [(ENTERED, 0, Reason.WITHIN_REACH, 1)],
            id="one reading that does not touch breaks no arrival, however long it stands",
        ),
        pytest.param(
            [(0, 3, 20), (300, 400, 2), (600, 3, 20)],
            [(ENTERED, 0, Reason.WITHIN_REACH, 1)],
            id="nor does one that is wild",
        ),
        pytest.param(
            [(0, 3, 20), (300, 25, 20), (330, 25, 20), (600, 3, 20)], [], id="a second one does"
        ),
        pytest.param(
            [(0, -5, 20), (50, 3, 201), (100, 3, 201), (120, 3, 20)],
            [],
            id="vague readings keep nothing",
        ),
        pytest.param(
            [(0, -5, 20), (30, 25, 20), (61, 25, 20), (70, -5, 20), (100, -5, 20)],
            [],
            id="more than a minute of readings wholly outside breaks it",
        ),
        pytest.param(
            [(0, -5, 20), (30, 25, 20), (60, 25, 20), (70, -5, 20), (100, -5, 20)],
            [(ENTERED, 0, KEPT, 2)],
            id="a minute does not",
        ),
        pytest.param(
            [(0, -5, 20), (40, -5, 20), (60, 400, 2), (70, -5, 20), (100, -5, 20)],
            [(ENTERED, 0, KEPT, 2)],
            id="one wild fix does not break an arrival",
        ),
        pytest.param([(0, -500, 201), (10, -500, 201)], [], id="too inaccurate to prove arrival"),
        pytest.param(
            [(0, -500, 201), (50, -500, 201), (100, -500, 201), (150, -500, 201)],
            [],
            id="however long it is kept",
        ),
        pytest.param(
            [(0, -500, 200)], [(ENTERED, 0, CLEAR, 3)], id="just accurate enough for arrival"
        ),
        pytest.param([(0, -20, 2.9)], [], id="a claim below 3 m is no proof by itself"),
        pytest.param([(0, -20, 3)], [(ENTERED, 0, CLEAR, 3)], id="a claim of 3 m is"),
        pytest.param(
            [(0, -20, 1.9), (40, -20, 1.9), (90, -20, 1.9)],
            [(ENTERED, 0, KEPT, 2)],
            id="a claim below 3 m that is kept is believed as a marginal one",
        ),
        pytest.param(
            [(0, -20, 1.9), (10, 200, 8), (70, 200, 8), (80, -20, 1.9), (90, 200, 8)],
            [],
            id="wild fixes into a building make no stay",
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
            [(0, -20, 8), (60, 200, 8), (70, 200, 8), (80, -20, 8)],
            [(ENTERED, 0, CLEAR, 3)],
            id="nor do two 10 s apart",
        ),
        pytest.param(
            [(0, -20, 8), *((60 + n, 200, 8) for n in range(0, 120, 10)), (179, 200, 8)],
            [(ENTERED, 0, CLEAR, 3)],
            id="nor do any number in less than 120 s",
        ),
        pytest.param(
            [(0, -20, 8), (60, 40, 8), (180, 60, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_LONG, 3)],
            id="two readings far outside 120 s apart end it at the first",
        ),
        pytest.param(
            [(0, -20, 8), (60, 40, 8), (70, 40, 8), (100, 7, 8), (110, 40, 8), (229, 40, 8)],
            [(ENTERED, 0, CLEAR, 3)],
            id="touching the area again brings it back, and the time begins anew",
        ),
        pytest.param(
            [(0, -20, 8), (60, 40, 8), (70, 40, 8), (100, 15, 8), (110, 40, 8), (229, 40, 8)],
            [(ENTERED, 0, CLEAR, 3)],
            id="so does a reading outside that is not far",
        ),
        pytest.param(
            [(0, -20, 8), (60, 40, 8), (70, 40, 8), (100, 7, 8), (110, 40, 8), (230, 40, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 110, OUT_LONG, 3)],
            id="it then ends at the first reading far outside since",
        ),
        pytest.param(
            [(0, -20, 8), (60, 400, 2), (130, 25, 8), (190, 400, 2), (200, 25, 8)],
            [(ENTERED, 0, CLEAR, 3)],
            id="two wild fixes while the truth is uncertain end nothing",
        ),
        pytest.param(
            [(0, -20, 8), *((60 * n, 25, 8) for n in range(1, 31))],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 0, SILENCE, 1)],
            id="half an hour outside and never far is inferred to be an exit",
        ),
        pytest.param(
            [(0, -20, 8), (60, 37, 8), (70, 37, 8), (180, 37, 8)],
            [(ENTERED, 0, CLEAR, 3)],
            id="outside by less than accuracy and margin is no verdict",
        ),
        pytest.param(
            [(0, -20, 8), (60, 988, 122), (180, 988, 122)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_LONG, 3)],
            id="988 m away at 122 m accuracy is an exit",
        ),
        pytest.param(
            [(0, -20, 8), (60, 241, 100), (180, 241, 100)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_LONG, 3)],
            id="a little beyond accuracy and margin is an exit",
        ),
        pytest.param(
            [(0, -20, 8), (60, 241, 5000), (180, 241, 5000)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_LONG, 3)],
            id="an absurd accuracy counts as 100 m when leaving",
        ),
        pytest.param(
            [(0, -20, 8), (60, 239, 5000), (180, 239, 5000)],
            [(ENTERED, 0, CLEAR, 3)],
            id="and within what those make and the margin it is no verdict",
        ),
        pytest.param(
            [(0, -20, 8), (60, 40, 8), (70, 40, 8), (190, -20, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, OUT_LONG, 3), (ENTERED, 190, CLEAR, 3)],
            id="120 s of quiet after two is an exit though the next reading is inside again",
        ),
        pytest.param(
            [(0, -20, 8), (60, 40, 8), (70, 40, 8), (189, -20, 8)],
            [(ENTERED, 0, CLEAR, 3)],
            id="less is not, though the first was longer ago",
        ),
        pytest.param(
            [(0, -20, 8), (60, 400, 2), (120, 400, 2), (180, -20, 8)],
            [(ENTERED, 0, CLEAR, 3)],
            id="two wild fixes a minute apart end nothing",
        ),
        pytest.param(
            [(0, -20, 8), (60, 40, 8), (210, -20, 8)],
            [(ENTERED, 0, CLEAR, 3)],
            id="one reading outside is none, however long it stands",
        ),
        pytest.param(
            [(0, -5, 20), (40, -5, 20), (90, -5, 20), (110, 90, 8), (230, 90, 8)],
            [(ENTERED, 0, KEPT, 2), (EXITED, 110, OUT_LONG, 2)],
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
            [(0, -20, 8), (1700, 5, 8)],
            [(ENTERED, 0, CLEAR, 3), (DWELLED, 300, Reason.STAYED, 3)],
            id="even one after a long quiet, and without verdict",
        ),
        pytest.param(
            [(0, -20, 8), (900, -20, 8), (1800, -20, 8), (2700, 500, 8), (3300, 500, 8)],
            [
                (ENTERED, 0, CLEAR, 3),
                (DWELLED, 300, Reason.STAYED, 3),
                (EXITED, 2700, OUT_LONG, 3),
            ],
            id="a stay is found by pings ten and fifteen minutes apart",
        ),
        pytest.param(
            [(0, -20, 8), (120, -20, 8), (310, 90, 8), (430, 90, 8)],
            [
                (ENTERED, 0, CLEAR, 3),
                (DWELLED, 300, Reason.STAYED, 3),
                (EXITED, 310, OUT_LONG, 3),
            ],
            id="dwells, then leaves",
        ),
        pytest.param(
            [(0, -20, 8), (119, -20, 8), (310, 90, 8), (430, 90, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 310, OUT_LONG, 3)],
            id="last seen more than three minutes before it would have dwelled, then outside",
        ),
        pytest.param(
            [(0, -20, 8), (290, 90, 8), (310, -20, 8)],
            [(ENTERED, 0, CLEAR, 3), (DWELLED, 300, Reason.STAYED, 3)],
            id="a wild fix when it should dwell only delays the news",
        ),
        pytest.param(
            [(0, -20, 8), (290, 90, 8), (310, 90, 8), (440, 90, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 290, OUT_LONG, 3)],
            id="gone before it would have dwelled",
        ),
        pytest.param(
            [(0, -20, 8), (150, -20, 8), (2000, -20, 8)],
            [
                (ENTERED, 0, CLEAR, 3),
                (DWELLED, 300, Reason.STAYED, 3),
                (EXITED, 300, SILENCE, 1),
                (ENTERED, 2000, CLEAR, 3),
            ],
            id="silence closes as inferred when last believed there, and the next visit begins",
        ),
        pytest.param(
            [(0, -20, 8), (60, -20, 8), (2000, 500, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 60, SILENCE, 1)],
            id="silence and then far away is one inferred exit",
        ),
        pytest.param(
            [(0, -20, 8), (60, 500, 8), (1800, -20, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 0, SILENCE, 1), (ENTERED, 1800, CLEAR, 3)],
            id="one reading far outside and then silence is inferred too",
        ),
        pytest.param(
            [(0, -20, 8), (1790, 500, 8), (1795, 500, 8), (1801, 500, 8), (1910, 500, 8)],
            [(ENTERED, 0, CLEAR, 3), (EXITED, 1790, OUT_LONG, 3)],
            id="a phone that tells of leaving is not silent",
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
    near = advance_one(inside, second=10, distance_m=57, size_m=400)
    far = advance_one(inside, second=10, distance_m=58, size_m=400)

    assert near is not None
    assert far is not None
    assert near.phase is Phase.INSIDE
    assert far.phase is Phase.LEAVING


def advance_one(
    visit: VisitState | None, *, second: float, distance_m: float, size_m: float
) -> VisitState | None:
    """Follow one reading of 8 m accuracy in a geofence of that size."""
    seen = sight(distance_m, 8, size_m)
    return advance(
        visit, seen, moment(second), rules=RULES, dwell_after=DWELL_AFTER, before=moment(second - 1)
    )[0]


def entered(second: float = 0, *, dwell_after: timedelta = DWELL_AFTER) -> Stay:
    """A stay that has begun clearly."""
    stay = Stay(dwell_after=dwell_after)
    stay.hear((second, -20, 8))
    return stay


def test_dwelling_comes_by_the_timer_too_and_once() -> None:
    """Nothing more is heard, and the timer says it at the time it is due."""
    stay = entered()
    stay.hear((120, -20, 8))

    assert stay.wait(299) == []
    assert [seconds(one) for one in stay.wait(301)] == [(DWELLED, 300, Reason.STAYED, 3)]
    assert stay.wait(302) == []
    assert stay.hear((310, -20, 8)) == []


def test_a_lost_phone_does_not_dwell() -> None:
    """Last heard of more than three minutes before it would have dwelled: no one knows."""
    stay = entered()
    stay.hear((119, -20, 8))

    told = [*stay.wait(301), *stay.wait(1919)]

    assert [seconds(one) for one in told] == [(EXITED, 119, SILENCE, 1)]


def test_a_quiet_phone_tells_of_dwelling_when_it_is_heard_again() -> None:
    """The timer had to leave it open; the next reading there dates it to when it was due."""
    stay = entered()

    assert stay.wait(301) == []
    assert [seconds(one) for one in stay.hear((900, -20, 8))] == [(DWELLED, 300, Reason.STAYED, 3)]
    assert stay.hear((910, -20, 8)) == []


def test_a_quiet_phone_that_is_next_heard_of_far_away_did_not_dwell() -> None:
    """Nobody knows when it left; touching the area again says that it had not."""
    gone, back = entered(), entered()
    for stay in (gone, back):
        assert stay.hear((900, 90, 8)) == []

    assert [seconds(one) for one in gone.hear((1020, 90, 8))] == [(EXITED, 900, OUT_LONG, 3)]
    assert [seconds(one) for one in back.hear((910, -20, 8))] == [(DWELLED, 300, Reason.STAYED, 3)]


def test_a_phone_heard_of_on_the_way_does_dwell() -> None:
    """A long dwell, and the device was seen inside three minutes before it was due."""
    stay = entered(dwell_after=timedelta(minutes=20))
    stay.hear((1020, -20, 8))

    assert [seconds(one) for one in stay.wait(1201)] == [(DWELLED, 1200, Reason.STAYED, 3)]


def test_a_reading_that_touches_keeps_the_visit_alive() -> None:
    """The device may still be there, so it is no silence."""
    stay = entered()
    stay.wait(301)
    stay.hear((1700, 15, 50))

    assert stay.wait(1801) == []
    assert [seconds(one) for one in stay.wait(3501)] == [(EXITED, 1700, SILENCE, 1)]


def test_one_reading_outside_and_then_nothing_is_silence() -> None:
    """It never ends a stay by itself, however far and sure; dated to when it was last there."""
    stay = entered()
    stay.hear((60, -20, 8))
    stay.hear((70, 500, 1.9))

    assert stay.wait(1859) == []
    assert [seconds(one) for one in stay.wait(1860)] == [(EXITED, 60, SILENCE, 1)]


def test_two_readings_outside_and_the_timer_are_an_exit() -> None:
    """Dated to the first reading; a second earlier it is none yet."""
    stay = entered()
    stay.hear((60, 200, 8))
    stay.hear((70, 200, 8))

    assert stay.wait(189) == []
    assert [seconds(one) for one in stay.wait(190)] == [(EXITED, 60, OUT_LONG, 3)]


@pytest.mark.parametrize(
    ("fix", "phase"),
    [
        pytest.param((80, 8, 8), Phase.INSIDE, id="its circle touches the area"),
        pytest.param((80, -1, 8), Phase.INSIDE, id="its centre is inside"),
        pytest.param((80, 110, 110), Phase.INSIDE, id="touches only since it is vague"),
        pytest.param((80, 245, 245), Phase.AWAY, id="too far to be excused by being vague"),
        pytest.param((80, 9, 8), Phase.INSIDE, id="wholly outside, but not far"),
        pytest.param((80, 40, 8), Phase.AWAY, id="far outside"),
    ],
)
def test_whatever_is_not_far_brings_a_visit_back(fix: Fix, phase: Phase) -> None:
    """It was far outside twice, and then this is heard."""
    stay = entered()
    stay.hear((60, 90, 8))
    stay.hear((70, 90, 8))

    assert stay.hear(fix) == []
    assert stay.visit is not None
    assert stay.visit.phase is phase


@pytest.mark.parametrize(
    ("reach_m", "told"),
    [(0.0, [(ENTERED, 0, Reason.WITHIN_REACH, 1)]), (2.0, [])],
    ids=["where a geofence has no reach", "with a reach it must be in it"],
)
def test_touching_begins_an_arrival_of_a_phone_that_reports_seldom(
    reach_m: float, told: list[tuple[TransitionKind, float, Reason, int]]
) -> None:
    """A reach says how close is close; touching from beyond it begins nothing."""
    stay = Stay(rules=replace(RULES, reach_m=reach_m))

    found = [seconds(one) for at in (0, 100, 240) for one in stay.hear((at, 3, 20))]

    assert found == told


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
        pytest.param([(0, -5, 20), (40, -5, 20), (80, -5, 20)], True, id="marginal at first sight"),
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
        pytest.param([(0, -20, 8), (120, -20, 8)], 121, 300, id="dwelling comes first"),
        pytest.param([(0, -20, 8), (310, -20, 8)], 311, 2110, id="then silence"),
        pytest.param([(0, -20, 8), (60, 90, 8), (70, 90, 8)], 71, 190, id="an exit to confirm"),
        pytest.param([(0, -20, 8), (60, 90, 8)], 61, 1800, id="one reading outside: silence"),
        pytest.param(
            [(0, -20, 8), (1790, 90, 8), (1795, 90, 8)], 1796, 1915, id="away, though long unseen"
        ),
        pytest.param([(0, -5, 20)], 1, 1800, id="a suspicion to forget"),
        pytest.param([(0, -20, 8), (150, -20, 8)], 400, 400, id="a dwell told late is due at once"),
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
    """A lost phone is looked at when it would have dwelled, and when silence ends the visit."""
    stay = entered(dwell_after=timedelta(minutes=20))

    assert stay.visit is not None
    assert next_due(stay.visit, after=moment(1), rules=RULES) == moment(1200)
    assert elapse(stay.visit, moment(1200), rules=RULES) == (stay.visit, ())
    assert next_due(stay.visit, after=moment(1200), rules=RULES) == moment(1800)
