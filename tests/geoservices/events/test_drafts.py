"""What managers say of events: what follows from it, and what cannot be."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from geoservices.accounts.service import TimeZoneUnknown
from geoservices.calendars.recurrence import RecurrenceRefused
from geoservices.errors import GeoservicesError
from geoservices.events.drafts import EventDraft, EventRefused
from geoservices.events.models import SigningUp
from geoservices.listings.drafts import EndsBeforeStart, YearRefused
from geoservices.places.models import Place

TUESDAY = datetime(2026, 3, 10, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIBRARY = Place(time_zone="Europe/London")


def draft(**said: Any) -> EventDraft:
    """Story time on a Tuesday in March, at ten."""
    common: dict[str, Any] = {
        "place_id": uuid4(),
        "kind": "event",
        "title": "Story time",
        "text": "",
        "evidence_needed": "self-declared",
        "starts_at": TUESDAY,
        "ends_at": None,
    }
    return EventDraft(**(common | said))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({}, {"length": None, "ends_at": None}, id="nobody says how long it takes"),
        pytest.param({"ends_at": TUESDAY + HOUR}, {"length": HOUR}, id="the end says how long"),
        pytest.param({"length": HOUR}, {"ends_at": TUESDAY + HOUR}, id="the length says the end"),
        pytest.param(
            {"length": HOUR, "ends_at": TUESDAY + HOUR}, {"length": HOUR}, id="both say the same"
        ),
        pytest.param(
            {"ends_at": TUESDAY + timedelta(days=900)}, {"length": None}, id="an exhibition"
        ),
        pytest.param(
            {"length": HOUR, "rule": "freq=weekly;byday=TU"},
            {"rule": "FREQ=WEEKLY;BYDAY=TU", "ends_at": None},
            id="for ever",
        ),
        pytest.param(
            {"length": HOUR, "rule": "FREQ=YEARLY;UNTIL=99991231", "time_zone": "America/New_York"},
            {"ends_at": None},
            id="until the end of time",
        ),
        # Clocks go forward on the 29th of March.
        pytest.param(
            {"length": HOUR, "rule": "FREQ=WEEKLY;COUNT=4"},
            {"ends_at": datetime(2026, 3, 31, 10, tzinfo=UTC)},
            id="four times, by the place's clocks",
        ),
        pytest.param(
            {"length": HOUR, "rule": "FREQ=WEEKLY;COUNT=4", "time_zone": "UTC"},
            {"ends_at": datetime(2026, 3, 31, 11, tzinfo=UTC)},
            id="four times, by clocks of its own",
        ),
        pytest.param(
            {"length": HOUR, "excluded": [TUESDAY + 9 * HOUR, TUESDAY + HOUR, TUESDAY + HOUR]},
            {"excluded": [TUESDAY + HOUR, TUESDAY + 9 * HOUR]},
            id="what is excluded is in order",
        ),
        pytest.param(
            {"length": HOUR, "sign_up": "open", "reminders": [HOUR, 24 * HOUR, HOUR]},
            {"reminders": [24 * HOUR, HOUR]},
            id="the longest reminder is the first",
        ),
    ],
)
def test_the_rest_follows_from_what_is_said(said: dict[str, Any], expected: dict[str, Any]) -> None:
    """Whoever says the settled event again says the same."""
    settled = draft(**said).at_place(LIBRARY)

    assert {name: getattr(settled, name) for name in expected} == expected
    assert settled.time_zone == said.get("time_zone", "Europe/London")
    assert settled.at_place(LIBRARY) == settled


@pytest.mark.parametrize(
    ("said", "refusal", "field"),
    [
        ({"ends_at": TUESDAY}, EndsBeforeStart, "/ends_at"),
        ({"ends_at": TUESDAY - HOUR, "length": HOUR}, EndsBeforeStart, "/ends_at"),
        ({"ends_at": TUESDAY + 2 * HOUR, "length": HOUR}, EventRefused, "/ends_at"),
        (
            {"ends_at": TUESDAY + HOUR, "length": HOUR, "rule": "FREQ=DAILY"},
            EventRefused,
            "/ends_at",
        ),
        ({"time_zone": "Europe/Exeter"}, TimeZoneUnknown, "/time_zone"),
        ({"length": timedelta(0)}, EventRefused, "/length"),
        ({"length": timedelta(days=367)}, EventRefused, "/length"),
        ({"rule": "FREQ=DAILY"}, EventRefused, "/length"),
        ({"rule": "FREQ=HOURLY", "length": HOUR}, RecurrenceRefused, "/rule"),
        (
            {"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "length": HOUR},
            RecurrenceRefused,
            "/rule",
        ),
        ({"rule": "FREQ=WEEKLY;BYDAY=WE", "length": HOUR}, RecurrenceRefused, "/rule"),
        ({"rule": "FREQ=WEEKLY;UNTIL=20260309", "length": HOUR}, RecurrenceRefused, "/rule"),
        (
            {
                "rule": "FREQ=DAILY;COUNT=2",
                "length": HOUR,
                "excluded": [TUESDAY, TUESDAY + 24 * HOUR],
            },
            EventRefused,
            "/excluded",
        ),
        ({"excluded": [TUESDAY], "length": HOUR}, EventRefused, "/excluded"),
        ({"length": HOUR, "sign_up": "open", "capacity": 0}, EventRefused, "/capacity"),
        ({"length": HOUR, "capacity": 5}, EventRefused, "/capacity"),
        ({"length": HOUR, "reminders": [HOUR]}, EventRefused, "/reminders"),
        ({"sign_up": SigningUp.OPEN}, EventRefused, "/length"),
        (
            {"starts_at": datetime(9999, 12, 31, tzinfo=UTC), "length": 48 * HOUR},
            YearRefused,
            "/starts_at",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    said: dict[str, Any], refusal: type[GeoservicesError], field: str
) -> None:
    """With the member at fault."""
    with pytest.raises(refusal) as refused:
        draft(**said).at_place(LIBRARY)

    assert refused.value.field == field
