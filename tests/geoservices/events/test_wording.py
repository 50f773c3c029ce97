"""What people are told, in the local time of the place."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.events import wording
from geoservices.events.wording import Appointment


def appointment(starts_at: datetime, zone: str = "Europe/London") -> Appointment:
    """Story time at the library."""
    return Appointment(
        title="Story time", place="Exeter Library", starts_at=starts_at, time_zone=zone
    )


@pytest.mark.parametrize(
    ("starts_at", "zone", "now", "expected"),
    [
        ("2026-03-28T10:00Z", "Europe/London", "2026-03-27T10:00Z", "tomorrow at 10:00"),
        # Clocks go forward in the night between.
        ("2026-03-29T09:00Z", "Europe/London", "2026-03-28T10:00Z", "tomorrow at 10:00"),
        # It is tomorrow in London already, though not in UTC.
        ("2026-06-02T09:00Z", "Europe/London", "2026-06-01T23:30Z", "today at 10:00"),
        ("2026-06-02T09:00Z", "UTC", "2026-06-01T23:30Z", "tomorrow at 09:00"),
        ("2026-11-27T10:00Z", "UTC", "2026-11-20T10:00Z", "on Friday 27 November at 10:00"),
        ("2027-01-01T10:00Z", "UTC", "2026-12-20T10:00Z", "on Friday 1 January 2027 at 10:00"),
        ("2026-10-03T15:45Z", "Australia/Lord_Howe", "2026-10-02T15:45Z", "tomorrow at 02:45"),
    ],
)
def test_when_is_said_as_people_say_it(starts_at: str, zone: str, now: str, expected: str) -> None:
    """By the clocks of the place."""
    of = appointment(datetime.fromisoformat(starts_at), zone)

    assert of.when(datetime.fromisoformat(now)) == expected


def test_each_word_says_what_to_do() -> None:
    """A reminder, a place, a cancellation, and that it was none."""
    of = appointment(datetime(2026, 11, 27, 10, tzinfo=UTC))
    at = datetime(2026, 11, 26, 10, tzinfo=UTC)

    assert wording.reminder(of, at=at).title == "Story time begins tomorrow at 10:00"
    assert wording.moved_up(of, at=at).title == "Story time: you have a place"
    assert wording.back_on(of, at=at).title == "Story time takes place after all"
    assert wording.cancelled(of, "The roof leaks.", at=at) == wording.Words(
        "Story time is cancelled",
        "It was to begin tomorrow at 10:00 at Exeter Library. The roof leaks.",
    )


@given(
    title=st.text(min_size=1, max_size=120),
    place=st.text(min_size=1, max_size=300),
    reason=st.text(max_size=300),
)
def test_words_fit_into_a_notification(title: str, place: str, reason: str) -> None:
    """However long titles and names are."""
    at = datetime(2026, 11, 26, 10, tzinfo=UTC)
    of = Appointment(
        title=title,
        place=place,
        starts_at=datetime(2027, 11, 24, 10, tzinfo=UTC),
        time_zone="Europe/London",
    )

    for words in (
        wording.reminder(of, at=at),
        wording.moved_up(of, at=at),
        wording.back_on(of, at=at),
        wording.cancelled(of, reason, at=at),
    ):
        assert 0 < len(words.title) <= 120
        assert 0 < len(words.body) <= 500
