"""The time of day, asked for in one place so that every instant is aware and UTC."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251


def microseconds(at: datetime) -> int:
    """Return an instant as microseconds since 1970, which columns of numbers hold."""
    return (at - EPOCH) // MICROSECOND


def instant(at_us: int) -> datetime:
    """Return the instant so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=at_us)
