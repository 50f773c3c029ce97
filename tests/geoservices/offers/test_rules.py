"""When the limit of one person begins anew, by the calendar of the place."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.offers.rules import LONGEST_RENEWAL, Renewal, counted_since, renewed_at

LONDON = "Europe/London"


def utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("renewal", "at", "since", "anew"),
    [
        pytest.param(Renewal.DAILY, "2026-03-04T12:00", "2026-03-04T00:00", "2026-03-05T00:00"),
        pytest.param(
            Renewal.DAILY, "2026-03-29T12:00", "2026-03-29T00:00", "2026-03-29T23:00", id="forward"
        ),
        pytest.param(
            Renewal.DAILY, "2026-10-25T12:00", "2026-10-24T23:00", "2026-10-26T00:00", id="back"
        ),
        pytest.param(Renewal.DAILY, "2026-07-01T23:30", "2026-07-01T23:00", "2026-07-02T23:00"),
        pytest.param(Renewal.WEEKLY, "2026-03-08T12:00", "2026-03-02T00:00", "2026-03-09T00:00"),
        pytest.param(Renewal.WEEKLY, "2026-03-02T00:00", "2026-03-02T00:00", "2026-03-09T00:00"),
        pytest.param(Renewal.MONTHLY, "2026-02-28T12:00", "2026-02-01T00:00", "2026-03-01T00:00"),
        pytest.param(Renewal.MONTHLY, "2026-12-31T12:00", "2026-12-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_days_weeks_and_months_are_those_of_the_place(
    renewal: Renewal, at: str, since: str, anew: str
) -> None:
    """From midnight to midnight there, on days of 23 and 25 hours too."""
    assert counted_since(renewal, time_zone=LONDON, at=utc(at)) == utc(since)
    assert renewed_at(renewal, time_zone=LONDON, at=utc(at)) == utc(anew)


def test_what_is_never_renewed_counts_from_the_first() -> None:
    """There is no instant from which it would."""
    assert counted_since(Renewal.NEVER, time_zone=LONDON, at=utc("2026-03-04T12:00")) is None
    assert renewed_at(Renewal.NEVER, time_zone=LONDON, at=utc("2026-03-04T12:00")) is None


@given(
    st.sampled_from([Renewal.DAILY, Renewal.WEEKLY, Renewal.MONTHLY]),
    st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["Europe/London", "America/St_Johns", "Pacific/Apia", "Africa/Cairo"]),
)
def test_now_lies_between_the_last_renewal_and_the_next(
    renewal: Renewal, naive: datetime, time_zone: str
) -> None:
    """And they are no longer apart than a redemption may count."""
    at = naive.replace(tzinfo=UTC)

    since = counted_since(renewal, time_zone=time_zone, at=at)
    anew = renewed_at(renewal, time_zone=time_zone, at=at)

    assert since is not None
    assert anew is not None
    assert since <= at < anew
    assert anew - since <= LONGEST_RENEWAL + timedelta(days=1)
    assert counted_since(renewal, time_zone=time_zone, at=anew) == anew
    assert since.astimezone(ZoneInfo(time_zone)).date() <= at.astimezone(ZoneInfo(time_zone)).date()
