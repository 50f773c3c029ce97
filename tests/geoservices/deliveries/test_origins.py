"""What a batch's answers say of a push service."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.deliveries.origins import (
    FAILING_FOR,
    GUARD_FOR,
    REFUSED_FOR,
    REFUSED_FOR_AT_MOST,
    TRY_FOR,
    WINDOW,
    Cause,
    Doors,
    OriginState,
    Tally,
    advice,
    after,
    tally,
    worse,
)
from geoservices.push.gateway import Outcome, OutcomeKind
from tests.factories import NOON
from tests.notifying import (
    ACCEPTED,
    BAD_REQUEST,
    GONE,
    REFUSED,
    THROTTLED,
    TOO_LARGE,
    TRANSIENT,
    moment,
)

FRESH = OriginState("https://push.example", "key")
NOTHING = Tally(0, 0, 0, 0, None, None)
NEVER_LEFT = Outcome(kind=OutcomeKind.REFUSED, reason="keys-unusable")


def after_all(
    *batches: list[Outcome], second: float = 0, state: OriginState = FRESH
) -> OriginState:
    """How the push service stands after batches, all at one moment."""
    for batch in batches:
        state = after(state, tally(batch), at=moment(second))
    return state


def test_a_tally_counts_what_the_push_service_said() -> None:
    """What never left, and what was too large, is not about the push service."""
    found = tally(
        [ACCEPTED, GONE, REFUSED, BAD_REQUEST, THROTTLED, TRANSIENT, TOO_LARGE, NEVER_LEFT]
    )

    assert found == Tally(
        accepted=1,
        gone=1,
        refused=2,
        failed=1,
        retry_after=THROTTLED.retry_after,
        refusal="400 bad-request",
    )


def test_one_that_asks_for_patience_is_left_alone_as_long_as_it_asked() -> None:
    """All of it, and not the one subscription alone; then one push asks."""
    state = after_all([ACCEPTED, THROTTLED])

    assert state.cause == Cause.THROTTLED
    assert state.is_closed(moment(179))
    assert not state.is_closed(moment(180))
    assert state.is_tried(moment(180))


def test_one_subscription_that_is_to_wait_for_a_day_does_not_hold_up_the_others() -> None:
    """After five minutes one of them asks."""
    state = after_all([replace(THROTTLED, retry_after=timedelta(days=1))])

    assert state.is_closed(moment(299))
    assert state.is_tried(moment(300))
    assert after_all([ACCEPTED], second=300, state=state).cause is None


def test_a_push_service_that_answers_is_no_longer_failing() -> None:
    """Even if it is only to say that a subscription has ended."""
    state = after_all([TRANSIENT] * 5)

    assert after_all([GONE], second=2, state=state).cause is None


def test_a_shorter_wait_does_not_shorten_a_longer_one() -> None:
    """Two answers of one moment."""
    short = Outcome(
        kind=OutcomeKind.THROTTLED, reason="throttled", retry_after=timedelta(seconds=5)
    )

    state = after_all([THROTTLED], [short])

    assert state.closed_until == moment(180)


@pytest.mark.parametrize("refusal", [REFUSED, BAD_REQUEST])
def test_one_that_refuses_everything_is_closed_for_longer_each_time(refusal: Outcome) -> None:
    """From a minute to an hour, until it takes something."""
    state, second = after_all([refusal] * 4), 0.0
    assert not state.is_closed(moment(0))

    waits = []
    for _ in range(9):
        state = after_all([refusal], second=second, state=state)
        assert state.closed_until is not None
        waits.append(state.closed_until - moment(second))
        second = (state.closed_until - NOON).total_seconds()

    assert waits == [min(REFUSED_FOR * 2**n, REFUSED_FOR_AT_MOST) for n in range(9)]
    assert state.last_refusal == f"{refusal.status} {refusal.reason}"
    assert state.is_tried(moment(second))
    assert after_all([ACCEPTED], second=second, state=state).cause is None


def test_refusals_beside_successes_are_about_the_subscriptions() -> None:
    """However many they are."""
    state = after_all([*[REFUSED] * 400, ACCEPTED])

    assert not state.is_closed(NOON)


def test_one_that_fails_is_closed_for_seconds() -> None:
    """So that the others do not wait for its time-outs."""
    state = after_all([TRANSIENT] * 5)

    assert (state.cause, state.closed_until) == (Cause.FAILING, NOON + FAILING_FOR)


def test_what_was_under_way_when_it_was_closed_does_not_count_again() -> None:
    """Many workers come back with the same news."""
    state = after_all(*[[TRANSIENT] * 500] * 8)

    assert (state.strikes, state.closed_until) == (1, NOON + FAILING_FOR)


@pytest.mark.parametrize(
    ("accepted", "gone", "doubted"),
    [
        pytest.param(0, 9, False, id="a few say nothing"),
        pytest.param(0, 10, True, id="all of ten"),
        pytest.param(40, 10, False, id="a fifth is usual"),
        pytest.param(39, 10, True, id="more than a fifth is not"),
    ],
)
def test_gone_is_doubted_where_too_many_are(accepted: int, gone: int, *, doubted: bool) -> None:
    """For an hour."""
    state = after_all([ACCEPTED] * accepted + [GONE] * gone)

    assert state.doubts_gone(NOON + GUARD_FOR - timedelta(seconds=1)) is doubted
    assert not state.doubts_gone(NOON + GUARD_FOR)


def test_gone_is_counted_over_batches_and_not_for_ever() -> None:
    """One at a time is as many as all at once; what was yesterday does not count."""
    trickle = after_all(*[[GONE]] * 10)
    slow = FRESH
    for number in range(40):
        slow = after_all([GONE], second=number * WINDOW.total_seconds(), state=slow)

    assert trickle.doubts_gone(NOON)
    assert slow.guarded_until is None


def test_an_operator_can_say_that_it_is_true() -> None:
    """For as long as they said."""
    trusted = FRESH._replace(trusted_until=moment(60))

    state = after_all([GONE] * 500, state=trusted)
    later = after_all([GONE] * 500, second=61, state=state)

    assert not state.doubts_gone(NOON)
    assert later.doubts_gone(moment(61))


def test_a_single_push_tries_first_after_a_refusal() -> None:
    """The others wait a little and come back."""
    state = after_all([REFUSED] * 5)
    doors = Doors([state], at=NOON + REFUSED_FOR)

    first, second = (doors.ask(*state[:2]) for _ in range(2))
    shut = Doors([state], at=NOON).ask(*state[:2])

    assert first is None
    assert second is not None
    assert second[0] == NOON + REFUSED_FOR + TRY_FOR
    assert shut == (NOON + REFUSED_FOR, "the push service refuses our pushes")
    assert Doors([state], at=NOON).ask("https://other.example", "key") is None


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ([ACCEPTED], "takes our pushes"),
        ([THROTTLED], "asked for patience"),
        ([REFUSED] * 5, "403 vapid-refused"),
        ([TRANSIENT] * 5, "cannot be reached"),
        ([GONE] * 10, "10 out of 10"),
    ],
)
def test_operators_are_told_what_to_do(batch: list[Outcome], words: str) -> None:
    """And are not called for what mends itself."""
    state = after_all(batch)

    assert words in advice(state, at=NOON)
    assert worse(FRESH, state) is (batch[0] not in {ACCEPTED, THROTTLED})
    assert not worse(state, state)


OUTCOMES = st.sampled_from(
    [ACCEPTED, GONE, REFUSED, BAD_REQUEST, THROTTLED, TRANSIENT, TOO_LARGE, NEVER_LEFT]
)


@given(st.lists(st.tuples(st.lists(OUTCOMES, min_size=1), st.floats(0, 3600)), max_size=20))
def test_whatever_it_answers_a_push_service_opens_again(
    batches: list[tuple[list[Outcome], float]],
) -> None:
    """Within an hour of its last word, or what it asked for; a success opens it at once."""
    state, second = FRESH, 0.0
    for batch, gap in batches:
        second += gap
        state = after_all(batch, second=second, state=state)

    open_again = not state.is_closed(moment(second) + REFUSED_FOR_AT_MOST)
    taken = after_all([ACCEPTED], second=second, state=state)
    assert open_again
    assert not taken.is_closed(moment(second)) or taken.cause == Cause.THROTTLED
    assert (taken.refusals, taken.failures, taken.strikes) == (0, 0, 0)
