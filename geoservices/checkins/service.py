"""Check-ins taken in and graded."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.checkins import queries
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import Evidence, verify
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken
from geoservices.geometry.position import Position
from geoservices.pings.screening import Doors


class CheckInInTheFuture(GeoservicesError):
    """The device's clock says a time that has not come yet."""

    kind = ErrorKind.INVALID
    code = "claimed-in-the-future"
    title = "The time of the check-in lies in the future"

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead
        super().__init__(
            f"claimed_at is {ahead.total_seconds():.0f} s ahead of the server's clock. "
            "Leave it out to mean now.",
            field="/claimed_at",
        )


class CheckInTooLongAgo(GeoservicesError):
    """The check-in is so old that nothing can come of it."""

    kind = ErrorKind.INVALID
    code = "claimed-too-long-ago"
    title = "The check-in is too old"

    def __init__(self, oldest: timedelta) -> None:
        super().__init__(f"claimed_at is more than {oldest.days} days ago.", field="/claimed_at")


STALE_AFTER = timedelta(minutes=5)
"""A check-in told this much later proves nothing: the position may be anyone's by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInReport:
    """What a device says: I am at this place. The position is optional, and so is the time."""

    id: UUID
    place_id: UUID
    position: Position | None
    claimed_at: datetime | None


def record(
    session: Session,
    report: CheckInReport,
    *,
    device_id: UUID,
    organisation_id: UUID,
    distance_m: float | None,
    assumed_accuracy_m: float,
    doors: Doors,
    at: datetime,
) -> CheckIn:
    """Store a check-in, graded, and announce it; the same id again returns the first record.

    Args:
        session: The session.
        report: What the device said.
        device_id: Who says so.
        organisation_id: Whose place it is.
        distance_m: Metres to the place's watched area, negative inside; None if not known.
        assumed_accuracy_m: Taken where the position names none, in metres.
        doors: How far the device's clock may be off.
        at: Now.

    Raises:
        CheckInInTheFuture: The device's clock is ahead by more than is tolerated.
        CheckInTooLongAgo: It was made longer ago than anything can come of.
        IdTaken: The id belongs to another check-in.
    """
    claimed_at = report.claimed_at or at
    if claimed_at - at > doors.future_tolerance:
        raise CheckInInTheFuture(claimed_at - at)
    if at - claimed_at > doors.oldest:
        raise CheckInTooLongAgo(doors.oldest)
    accuracy_m = report.position.accuracy_m if report.position else None
    graded = verify(distance_m=distance_m, accuracy_m=accuracy_m or assumed_accuracy_m)
    check_in = CheckIn(
        id=report.id,
        device_id=device_id,
        place_id=report.place_id,
        organisation_id=organisation_id,
        evidence=Evidence.SELF_DECLARED if at - claimed_at > STALE_AFTER else graded,
        distance_m=distance_m,
        accuracy_m=accuracy_m,
        claimed_at=min(claimed_at, at),
        received_at=at,
    )
    if queries.insert_if_new(session, check_in):
        outbox.publish(session, outbox.Topic.CHECK_IN_MADE, [check_in.id])
        return check_in
    known = queries.by_id(session, [report.id])[report.id]
    if known.device_id != device_id or known.place_id != report.place_id:
        raise IdTaken("check-in")
    return known
