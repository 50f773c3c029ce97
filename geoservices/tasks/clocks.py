"""When something was done, by the clock of whoever did it, perhaps out of reach of any network."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.pings.screening import Doors


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a device says of a step: its own id for it, and when by its clock; None is now.

    `field` is where the time stands in the request, as a JSON Pointer.
    """

    id: UUID | None = None
    occurred_at: datetime | None = None
    field: str = ""

    @property
    def is_late(self) -> bool:
        """Whether it tells of what was done before."""
        return self.occurred_at is not None


NOW = Said()


class DoneInTheFuture(GeoservicesError):
    """The device's clock says a time that has not come yet."""

    kind = ErrorKind.INVALID
    code = "done-in-the-future"
    title = "The time at which it was done lies in the future"

    def __init__(self, ahead: timedelta, field: str) -> None:
        super().__init__(
            f"{field[1:]} is {ahead.total_seconds():.0f} s ahead of the server's clock. "
            "Leave it out to mean now.",
            field=field,
        )


class DoneTooLongAgo(GeoservicesError):
    """It was done so long ago that the claim cannot be taken any more."""

    kind = ErrorKind.INVALID
    code = "done-too-long-ago"
    title = "It was done too long ago"

    def __init__(self, oldest: timedelta, field: str) -> None:
        super().__init__(
            f"{field[1:]} is more than {oldest.days} days ago. Tell a manager, who can say it is "
            "done.",
            field=field,
        )


def judge(said: Said, *, doors: Doors, at: datetime) -> datetime:
    """Return when something was done; a clock that is a little ahead means now.

    Raises:
        DoneInTheFuture: It is ahead by more than is tolerated.
        DoneTooLongAgo: It is longer ago than is taken.
    """
    if said.occurred_at is None:
        return at
    if said.occurred_at - at > doors.future_tolerance:
        raise DoneInTheFuture(said.occurred_at - at, said.field)
    if at - said.occurred_at > doors.oldest:
        raise DoneTooLongAgo(doors.oldest, said.field)
    return min(said.occurred_at, at)
