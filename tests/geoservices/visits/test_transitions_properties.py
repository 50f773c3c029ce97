"""What holds of every visit, whatever is heard and whenever timers look."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from geoservices.visits.sights import Sight
from geoservices.visits.transitions import (
    Change,
    Reason,
    TransitionKind,
    next_due,
)
from tests.staying import (
    DWELL_AFTER,
    DWELLED,
    ENTERED,
    EXITED,
    NOON,
    RULES,
    Fix,
    Stay,
    moment,
    sight,
)

FIXES = st.lists(
    st.tuples(
        st.sampled_from([1, 5, 20, 59, 61, 74, 76, 149, 151, 179, 181, 300, 601, 1790, 1801]),
        st.sampled_from([-200.0, -25.0, -5.0, 0.0, 5.0, 27.0, 40.0, 130.0, 988.0]),
        st.sampled_from([0.1, 1.9, 8.0, 20.0, 122.0, 199.0, 201.0]),
    ),
    max_size=25,
)
EXIT_AFTER = RULES.confirm_exit_after
DWELLS = st.sampled_from([timedelta(0), timedelta(seconds=10), DWELL_AFTER, timedelta(minutes=20)])


def timed(steps: list[tuple[int, float, float]]) -> list[Fix]:
    """Turn gaps between readings into seconds past noon."""
    second, fixes = 0, []
    for gap, distance_m, accuracy_m in steps:
        second += gap
        fixes.append((float(second), distance_m, accuracy_m))
    return fixes


@given(FIXES, DWELLS)
def test_whatever_is_heard_enters_and_exits_alternate(
    steps: list[tuple[int, float, float]], dwell_after: timedelta
) -> None:
    """Two enters have an exit between, exits follow enters, dwelling comes once and between."""
    stay = Stay(dwell_after=dwell_after)
    fixes = timed(steps)
    told = [change for fix in fixes for change in stay.hear(fix)]
    told += stay.wait((fixes[-1][0] if fixes else 0) + 10_000)

    kinds = [change.kind for change in told]
    stays = [kind for kind in kinds if kind is not DWELLED]
    assert stays == [ENTERED, EXITED] * (len(stays) // 2)
    for before, after in pairwise(kinds):
        assert after is not DWELLED or before is ENTERED
    assert all(before.at <= after.at for before, after in pairwise(told))
    assert stay.visit is None


@given(FIXES, DWELLS, st.data())
def test_timers_that_look_in_between_change_nothing_that_is_decided(
    steps: list[tuple[int, float, float]], dwell_after: timedelta, data: st.DataObject
) -> None:
    """Only when something is said depends on the timers, never what is said nor its date."""
    fixes = timed(steps)
    undisturbed, watched = Stay(dwell_after=dwell_after), Stay(dwell_after=dwell_after)

    plain = [change for fix in fixes for change in undisturbed.hear(fix)]
    looked_at: list[Change] = []
    before = 0.0
    for fix in fixes:
        for second in sorted(data.draw(st.lists(st.floats(before, fix[0]), max_size=2))):
            looked_at += watched.wait(second)
        looked_at += watched.hear(fix)
        before = fix[0]

    assert looked_at == plain
    assert watched.visit == undisturbed.visit


@given(FIXES, DWELLS)
def test_the_timer_that_is_set_misses_nothing(
    steps: list[tuple[int, float, float]], dwell_after: timedelta
) -> None:
    """Asking only when due brings about the same as asking all the time, and comes to an end."""
    asked, due = Stay(dwell_after=dwell_after), Stay(dwell_after=dwell_after)
    for fix in timed(steps):
        asked.hear(fix)
        due.hear(fix)
    last = float(sum(gap for gap, _, _ in steps))
    said, said_when_due = [], []

    for second in range(0, 4000, 7):
        said += asked.wait(last + second)
    looks = 0
    now = moment(last)
    while due.visit is not None:
        now = next_due(due.visit, after=now, rules=RULES)
        said_when_due += due.wait((now - NOON).total_seconds())
        looks += 1

    assert said_when_due == said
    assert looks <= 3


@given(FIXES)
def test_an_absence_is_spanned_by_readings_or_followed_by_quiet(
    steps: list[tuple[int, float, float]],
) -> None:
    """Whoever left was far for two minutes, or far twice and then not heard for as long."""
    stay = Stay()
    heard: list[tuple[datetime, Sight]] = []
    for fix in timed(steps):
        told = stay.hear(fix)
        heard.append((moment(fix[0]), sight(*fix[1:])))
        for change in told:
            if change.reason is Reason.OUTSIDE_FOR_LONG:
                absence = [one for one in heard if one[0] >= change.at]
                assert _lasts(absence) or (
                    _is_far(absence[:-1]) and absence[-1][0] - absence[-2][0] >= EXIT_AFTER
                )


def _lasts(absence: list[tuple[datetime, Sight]]) -> bool:
    return _is_far(absence) and absence[-1][0] - absence[0][0] >= EXIT_AFTER


def _is_far(absence: list[tuple[datetime, Sight]]) -> bool:
    return len(absence) > 1 and all(seen == Sight.FAR for _at, seen in absence)


PLAIN = replace(
    RULES,
    credible_accuracy_m=0,
    confirm_enter_after=timedelta(0),
    exit_margin_m=0,
    exit_margin_share=0,
    confirm_exit_after=timedelta(0),
    silence=timedelta(days=1),
)


@given(FIXES)
def test_no_stay_is_ended_by_one_reading_however_far(
    steps: list[tuple[int, float, float]],
) -> None:
    """A single reading outside between two that touch the area changes nothing but by silence."""
    stay = Stay()
    second = 0.0
    stay.hear((second, -25, 8))
    for gap, distance_m, accuracy_m in steps:
        for fix_m in (abs(distance_m) + 100, -25):
            second += gap / 3
            told = stay.hear((second, fix_m, accuracy_m if fix_m > 0 else 8))
            assert EXITED not in {change.kind for change in told}


@settings(max_examples=50)
@given(st.lists(st.sampled_from([-50.0, -1.0, 0.0, 1.0, 50.0]), max_size=20))
def test_with_perfect_accuracy_and_no_confirmation_it_is_plain_inside_and_outside(
    distances: list[float],
) -> None:
    """The machine then only compares neighbouring places, each of which is reported twice.

    Twice, because one reading outside never ends a stay, whatever the constants.
    """
    stay = Stay(rules=PLAIN, dwell_after=timedelta(days=1))
    told: list[TransitionKind] = []
    for second, distance_m in enumerate(distances):
        for moment_s in (second, second + 0.5):
            told += [change.kind for change in stay.hear((moment_s, distance_m, 0.0))]
            told += [change.kind for change in stay.wait(moment_s)]

    inside = [False, *(distance_m <= 0 for distance_m in distances)]
    crossings = [after for before, after in pairwise(inside) if before != after]
    assert told == [ENTERED if after else EXITED for after in crossings]
