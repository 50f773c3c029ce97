"""Check-ins taken in and graded."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.checkins import queries
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import Method, verify
from geoservices.codes.links import CodeKind, CodeProblem
from geoservices.codes.models import Code
from geoservices.codes.service import ScannedCode
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken, NotFound
from geoservices.geometry.position import Position
from geoservices.pings.screening import Doors
from geoservices.places.models import Place


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


class PlaceNotNamed(GeoservicesError):
    """The check-in names no place, and neither does its code."""

    kind = ErrorKind.INVALID
    code = "place-not-named"
    title = "The check-in names no place"

    def __init__(self) -> None:
        super().__init__(
            "Nothing was stored. Give place_id, or the code of a place.", field="/place_id"
        )


class PersonalCodeRefused(GeoservicesError):
    """The code that staff scanned is no person's own, or is too old, or is the scanner's own."""

    kind = ErrorKind.INVALID
    code = "personal-code-refused"
    title = "This code checks nobody in"

    def __init__(self, message: str) -> None:
        super().__init__(f"Nothing was stored. {message}", field="/code")


STALE_AFTER = timedelta(minutes=5)
"""A check-in told this much later proves nothing: the position may be anyone's by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInReport:
    """What a device says: I am at this place.

    The position, the time and the code that was scanned are optional, and with a code the place
    is too.
    """

    id: UUID
    place_id: UUID | None
    position: Position | None = None
    claimed_at: datetime | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffScan:
    """What staff say: whoever showed me this code is at this place."""

    id: UUID
    place_id: UUID
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInRules:
    """How check-ins are graded; `settings` documents each.

    `doors` says how far the device's clock may be off. Where the position names no accuracy,
    `assumed_accuracy_m` is taken; better than `credible_accuracy_m` is no proof by itself.
    """

    doors: Doors
    assumed_accuracy_m: float
    credible_accuracy_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What was found out about a check-in.

    `distance_m` is in metres to the place's watched area, negative inside, None if not known.
    `scanned` is what came of the place's code, `scanned_by` the member of staff who scanned the
    person's own. `suspect` says that the position does not fit those before it.
    """

    place: Place
    distance_m: float | None = None
    scanned: ScannedCode | None = None
    scanned_by: UUID | None = None
    suspect: bool = False

    @property
    def code(self) -> Code | None:
        """The place's own code that was shown, whether it speaks for anything or not."""
        code = self.scanned.code if self.scanned else None
        return code if code and code.place_id == self.place.id else None

    @property
    def code_problem(self) -> CodeProblem | None:
        """Why the code that was shown speaks for nothing."""
        if self.scanned and self.scanned.code and not self.code:
            return CodeProblem.OTHER_PLACE
        return self.scanned.problem if self.scanned else None

    @property
    def method(self) -> Method:
        """How the person checked in; with a code that speaks for nothing, by the button."""
        if self.scanned_by:
            return Method.STAFF_SCAN
        if self.code is None or self.code_problem:
            return Method.BUTTON
        return METHODS[CodeKind(self.code.kind)]


METHODS = {CodeKind.STATIC: Method.STATIC_CODE, CodeKind.ROTATING: Method.ROTATING_CODE}
"""What scanning each kind of code is."""


def take_back(session: Session, check_in_id: UUID, *, person_id: UUID) -> None:
    """Delete a check-in that its person says was a mistake; what was decided on it stays.

    Raises:
        NotFound: There is none, or it is someone else's.
    """
    if not queries.delete_check_in_of(session, check_in_id, person_id=person_id):
        raise NotFound("check-in")


def record(
    session: Session,
    report: CheckInReport,
    found: Circumstances,
    *,
    device_id: UUID,
    rules: CheckInRules,
    at: datetime,
) -> CheckIn:
    """Store a check-in, graded, and announce it; the same id again returns the first record.

    Args:
        session: The session.
        report: What the device said.
        found: What was found out about it.
        device_id: Who says so.
        rules: How it is graded.
        at: Now.

    Raises:
        CheckInInTheFuture: The device's clock is ahead by more than is tolerated.
        CheckInTooLongAgo: It was made longer ago than anything can come of.
        IdTaken: The id belongs to another check-in.
    """
    claimed_at = report.claimed_at or at
    if claimed_at - at > rules.doors.future_tolerance:
        raise CheckInInTheFuture(claimed_at - at)
    if at - claimed_at > rules.doors.oldest:
        raise CheckInTooLongAgo(rules.doors.oldest)
    accuracy_m = report.position.accuracy_m if report.position else None
    verified = verify(
        found.method,
        distance_m=found.distance_m,
        accuracy_m=accuracy_m or rules.assumed_accuracy_m,
        credible_accuracy_m=rules.credible_accuracy_m,
        late=at - claimed_at > STALE_AFTER,
        suspect=found.suspect,
    )
    check_in = CheckIn(
        id=report.id,
        device_id=device_id,
        place_id=found.place.id,
        organisation_id=found.place.organisation_id,
        code_id=found.code.id if found.code else None,
        scanned_by=found.scanned_by,
        evidence=verified.evidence,
        doubts=[*filter(None, [found.code_problem]), *verified.doubts],
        distance_m=found.distance_m,
        accuracy_m=accuracy_m,
        claimed_at=min(claimed_at, at),
        received_at=at,
    )
    if queries.insert_if_new(session, check_in):
        outbox.publish(session, outbox.Topic.CHECK_IN_MADE, [check_in.id])
        return check_in
    known = queries.by_id(session, [report.id]).get(report.id)
    if known is None or known.device_id != device_id or known.place_id != found.place.id:
        raise IdTaken("check-in")
    return known
