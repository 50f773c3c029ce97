"""Reading what other people's programs send: nothing raises, nothing is guessed.

Every protocol is read item by item. What can be taken in becomes a report or a crossing; what
never can is dropped with a reason, so that one bad item harms no other, and so that a phone which
keeps what was not accepted does not keep it for ever.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from uuid import UUID, uuid5

from api.problems import InvalidRequest
from api.schemas.common import MAX_ACCURACY_M
from api.schemas.pings import MAX_HEADING_DEG
from geoservices.geometry.position import Position
from geoservices.pings.screening import PingReport
from geoservices.visits.transitions import TransitionKind

NAMESPACE = UUID("6f1c7d2e-8a4b-5e39-9c05-3b7a1d4e8f60")
"""Of the ids that pings get whose phones give them none."""
MILLISECONDS_FROM = 100_000_000_000
"""Unix times from here on are milliseconds; as seconds they would lie after the year 5138."""


MOST_ITEMS = 10_000
"""What one request may hold; no app sends a tenth of it at once."""


class Dropped(Exception):
    """An item that can never be taken in; the message is the reason, a constant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A phone says that it has entered or exited a region, which it names in its own way."""

    kind: TransitionKind
    rid: str | None
    stamp: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one message or batch says; `dropped` counts the items dropped, by reason."""

    reports: list[PingReport] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    position: Position | None = None
    """Where the phone is, whatever else was said."""
    asked: bool = False
    """Whether somebody pressed the button, and so waits for an answer."""

    @property
    def told_at(self) -> datetime | None:
        """When the newest of it happened, by the phone's clock."""
        times = [
            *(report.recorded_at for report in self.reports),
            *(crossing.at for crossing in self.crossings),
        ]
        return max(times, default=None)


def check_length(items: Sequence[object], *, field: str) -> None:
    """Refuse a batch that no app would send.

    Raises:
        InvalidRequest: It has more than `MOST_ITEMS` items; none was taken in.
    """
    if len(items) > MOST_ITEMS:
        told = f"At most {MOST_ITEMS} items are taken at once, and {len(items)} were sent."
        raise InvalidRequest([{"field": field, "rule": "too-long", "detail": told}])


def each(items: list[object], read: Callable[[object], PingReport | None]) -> Said:
    """Read a batch; an item that is about something else than a position is None."""
    said = Said()
    for item in items:
        try:
            report = read(item)
        except Dropped as reason:
            said.dropped[str(reason)] += 1
        else:
            said.reports.extend([report] if report else [])
    return said


def members(value: object) -> Mapping[str, object]:
    """Return an object's members.

    Raises:
        Dropped: It is no object.
    """
    if isinstance(value, dict):
        return value
    raise Dropped("not-an-object")


def number(value: object) -> float | None:
    """Return a finite number, or None for whatever else there may be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def numeral(value: object) -> float | None:
    """Return a finite number that is written as text, or None."""
    try:
        return number(float(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def position(lon: float | None, lat: float | None, accuracy_m: float | None) -> Position:
    """Return a position; an accuracy of 0 or less is unknown.

    Args:
        lon: Degrees; None where there was no number.
        lat: Degrees.
        accuracy_m: Metres.

    Raises:
        Dropped: A coordinate is missing or out of range, or the accuracy is beyond all reason.
    """
    if lon is None or lat is None:
        raise Dropped("no-position")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):  # noqa: PLR2004  # Degrees.
        raise Dropped("position-out-of-range")
    if accuracy_m is not None and accuracy_m > MAX_ACCURACY_M:
        raise Dropped("accuracy-out-of-range")
    known = accuracy_m is not None and accuracy_m > 0
    return Position(lon=lon, lat=lat, accuracy_m=accuracy_m if known else None)


def instant(seconds: float | None) -> datetime:
    """Return the instant of a Unix time in seconds, or in milliseconds where it is too large.

    Raises:
        Dropped: There is none, or it lies outside the years 1 to 9999.
    """
    if seconds is None:
        raise Dropped("no-time")
    try:
        return datetime.fromtimestamp(
            seconds / 1000 if seconds >= MILLISECONDS_FROM else seconds, UTC
        )
    except (OverflowError, OSError, ValueError) as error:
        raise Dropped("time-out-of-range") from error


def written_instant(text: object) -> datetime:
    """Return an instant written in ISO 8601 with an offset.

    Raises:
        Dropped: It is none, or its offset is missing.
    """
    try:
        read = datetime.fromisoformat(text) if isinstance(text, str) else None
        if read is None or read.tzinfo is None:
            raise Dropped("no-time")
        return read.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise Dropped("no-time") from error


def report(
    device_id: UUID,
    at: datetime,
    where: Position,
    *,
    speed_mps: float | None = None,
    heading_deg: float | None = None,
) -> PingReport:
    """Return a ping whose id is made from what it says, so that sent again it is the same.

    Args:
        device_id: Whose phone took it.
        at: When, by the phone's clock.
        where: Where.
        speed_mps: Metres a second; negative is unknown.
        heading_deg: Degrees clockwise from north; out of 0 to 360 is unknown.
    """
    return PingReport(
        id=uuid5(NAMESPACE, f"{device_id} {at.isoformat()} {where.lon!r} {where.lat!r}"),
        recorded_at=at,
        position=where,
        speed_mps=speed_mps if speed_mps is not None and speed_mps >= 0 else None,
        heading_deg=heading_deg
        if heading_deg is not None and 0 <= heading_deg <= MAX_HEADING_DEG
        else None,
    )
