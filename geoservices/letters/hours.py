"""When a person's clock next shows the hour that they chose."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

A_DAY = timedelta(days=1)


def next_at(hour: time, zone: tzinfo, *, after: datetime) -> datetime:
    """Return the next instant at which clocks in a zone show an hour, in the zone's time.

    An hour that clocks skip is taken to be as much later; one that they show twice counts the
    first time. So there is one such instant a day, however long that day is.

    Args:
        hour: Without an offset.
        zone: The person's.
        after: The instant returned is later than this one.
    """
    today = after.astimezone(zone).date()
    return next(at for day in (-1, 0, 1, 2) if (at := _on(today, day, hour, zone)) > after)


def day_of(at: datetime, zone: tzinfo) -> date:
    """Return which day it is in a zone at an instant."""
    return at.astimezone(zone).date()


def _on(today: date, days_later: int, hour: time, zone: tzinfo) -> datetime:
    # In UTC, since two instants in one zone are compared by what its clocks show.
    return datetime.combine(today + days_later * A_DAY, hour, tzinfo=zone).astimezone(UTC)
