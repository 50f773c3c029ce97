"""What a fetch changes, and when it is not believed."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.feeds.changes import Effect, Key, Known, Plan, Told, is_believed, plan
from geoservices.feeds.patience import next_due
from tests.factories import NOON

TOLD = Told(
    key=Key("a", ""), digest=b"1", sequence=2, modified_at=NOON, cancelled=False, is_over=False
)
KNOWN = Known(
    key=Key("a", ""),
    listing_id=uuid4(),
    digest=b"1",
    sequence=2,
    modified_at=NOON,
    withdrawn=False,
    withdrawn_by_feed=False,
    is_over=False,
)


def known(number: int) -> Known:
    """One of several events."""
    return replace(KNOWN, key=Key(str(number), ""))


def told(number: int) -> Told:
    """The same, in the feed."""
    return replace(TOLD, key=Key(str(number), ""))


def effect(told: Told | None, known: Known | None, *, whole: bool = True) -> Effect | None:
    """What becomes of one event among ten that stay as they are."""
    others = range(10)
    made = plan(
        [*([told] if told else []), *(replace(TOLD, key=Key(f"o{n}", "")) for n in others)],
        [*([known] if known else []), *(replace(KNOWN, key=Key(f"o{n}", "")) for n in others)],
        whole=whole,
        unread=frozenset({"unread"}),
        was_thin=False,
        believed=False,
    )
    return made.effects.get(Key("a", "")) or made.effects.get(Key("unread", ""))


@pytest.mark.parametrize(
    ("now", "before", "wanted"),
    [
        (TOLD, None, Effect.ADDED),
        (replace(TOLD, is_over=True), None, Effect.OVER),
        (replace(TOLD, cancelled=True), None, Effect.OVER),
        (TOLD, KNOWN, Effect.UNCHANGED),
        (replace(TOLD, sequence=9), KNOWN, Effect.UNCHANGED),
        (replace(TOLD, digest=b"2"), KNOWN, Effect.CHANGED),
        (replace(TOLD, digest=b"2", sequence=1, modified_at=None), KNOWN, Effect.CHANGED),
        (
            replace(TOLD, digest=b"2", sequence=1, modified_at=NOON - timedelta(days=1)),
            KNOWN,
            Effect.UNCHANGED,
        ),
        (replace(TOLD, cancelled=True), KNOWN, Effect.WITHDRAWN),
        (
            replace(TOLD, cancelled=True),
            replace(KNOWN, withdrawn=True, withdrawn_by_feed=True),
            Effect.UNCHANGED,
        ),
        (TOLD, replace(KNOWN, withdrawn=True, withdrawn_by_feed=True), Effect.RESTORED),
        (TOLD, replace(KNOWN, withdrawn=True), Effect.LEFT),
        (replace(TOLD, digest=b"2"), replace(KNOWN, withdrawn=True), Effect.LEFT),
        (None, KNOWN, Effect.WITHDRAWN),
        (None, replace(KNOWN, is_over=True), None),
        (None, replace(KNOWN, withdrawn=True), None),
        (None, replace(KNOWN, key=Key("unread", "")), Effect.HELD),
    ],
)
def test_effects(now: Told | None, before: Known | None, wanted: Effect | None) -> None:
    """Of what is told and what was known."""
    assert effect(now, before) is wanted


def test_what_is_missing_from_half_a_feed_stays() -> None:
    """It may only have been cut short."""
    assert effect(None, KNOWN, whole=False) is Effect.HELD


def missing(there: int, of: int, *, believed: bool = False, was_thin: bool = False) -> Plan:
    """A feed in which so many events are left of those that were there."""
    return plan(
        [told(n) for n in range(there)],
        [known(n) for n in range(of)],
        whole=True,
        unread=frozenset(),
        was_thin=was_thin,
        believed=believed,
    )


@pytest.mark.parametrize(
    ("there", "of", "is_thin"),
    [(0, 1, True), (0, 20, True), (9, 20, True), (10, 20, False), (19, 20, False), (1, 1, False)],
)
def test_a_feed_that_lost_most_is_not_believed(there: int, of: int, is_thin: bool) -> None:  # noqa: FBT001
    """Less than half of it is too little; nothing is withdrawn then."""
    made = missing(there, of)

    assert made.is_thin is is_thin
    lost = Effect.HELD if is_thin else Effect.WITHDRAWN
    assert all(made.effects[Key(str(n), "")] is lost for n in range(there, of))
    believed = missing(there, of, believed=True)
    assert all(believed.effects[Key(str(n), "")] is Effect.WITHDRAWN for n in range(there, of))


def test_after_a_day_it_is_believed() -> None:
    """Or when somebody says so."""
    day = timedelta(days=1)

    assert not is_believed(thin_since=None, asked=False, at=NOON)
    assert not is_believed(thin_since=NOON - day / 2, asked=False, at=NOON)
    assert is_believed(thin_since=NOON - day, asked=False, at=NOON)
    assert is_believed(thin_since=None, asked=True, at=NOON)


KEYS = st.sets(st.integers(0, 12))


@given(now=KEYS, before=KEYS, whole=st.booleans(), believed=st.booleans())
def test_what_is_carried_out_is_unchanged_the_next_time(
    now: set[int], before: set[int], *, whole: bool, believed: bool
) -> None:
    """Whatever was there, and however much of it is new."""
    there = [told(n) for n in now]
    made = plan(
        there,
        [known(n) for n in before],
        whole=whole,
        unread=frozenset(),
        was_thin=False,
        believed=believed,
    )
    after = [
        replace(KNOWN, key=key, withdrawn=gone, withdrawn_by_feed=gone)
        for key, one in made.effects.items()
        for gone in [one is Effect.WITHDRAWN]
    ]

    again = plan(
        there,
        after,
        whole=whole,
        unread=frozenset(),
        was_thin=made.is_thin and not believed,
        believed=believed,
    )

    assert set(again.effects.values()) <= {Effect.UNCHANGED, Effect.HELD}


def test_a_feed_that_lost_most_and_found_others_is_not_believed_either() -> None:
    """Until what is missing is back, or a day has passed."""
    assert missing(15, 20).effects[Key("19", "")] is Effect.WITHDRAWN
    assert missing(15, 20, was_thin=True).effects[Key("19", "")] is Effect.HELD
    assert not missing(20, 20, was_thin=True).is_thin


@pytest.mark.parametrize(
    ("interval", "failures", "hours"), [(1, 0, 1), (1, 1, 2), (1, 3, 8), (1, 9, 24), (72, 2, 72)]
)
def test_a_feed_that_fails_is_let_rest(interval: int, failures: int, hours: int) -> None:
    """For twice as long each time, up to a day."""
    due = next_due(timedelta(hours=interval), failures, at=NOON)

    assert due - NOON == timedelta(hours=hours)
