"""What a manager says of an event."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final, Self

from typing_extensions import override

from geoservices.accounts.service import check_time_zone
from geoservices.calendars.recurrence import (
    Series,
    check_series,
    last_end,
    next_after,
    read_rule,
)
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.events.models import Event, SigningUp
from geoservices.instants import MICROSECOND, is_plannable
from geoservices.listings.drafts import ListingDraft
from geoservices.places.models import Place

LONGEST: Final = timedelta(days=366)
"""The longest that one occurrence takes."""


class EventRefused(GeoservicesError):
    """What is said of the event does not go together."""

    kind = ErrorKind.INVALID
    code = "event-refused"
    title = "The event is not valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft(ListingDraft):
    """What is said of an event besides; `Event` explains it.

    Without a time zone it is the place's. An end that is said once more has to be the one that
    follows from the rest.
    """

    makes: ClassVar[type[Event]] = Event

    time_zone: str | None = None
    length: timedelta | None = None
    rule: str | None = None
    excluded: list[datetime] = field(default_factory=list)
    capacity: int | None = None
    sign_up: str = SigningUp.NONE
    sign_up_closes: timedelta = timedelta(0)
    reminders: list[timedelta] = field(default_factory=list)

    @override
    def at_place(self, place: Place) -> Self:
        """Return the event with its time zone, its rule in one form, and when it ends.

        Raises:
            YearRefused: It begins or ends in another age.
            EndsBeforeStart: It ends before it starts.
            TimeZoneUnknown: There is no such zone.
            RecurrenceRefused: Its rule cannot be followed from its first start.
            EventRefused: What is said does not go together.
        """
        ListingDraft.check(self)
        zone = self.time_zone or place.time_zone
        check_time_zone(zone)
        settled = replace(
            self,
            time_zone=zone,
            length=self._length(),
            rule=None if self.rule is None else read_rule(self.rule, field="/rule"),
            excluded=sorted(set(self.excluded)),
            reminders=sorted(set(self.reminders), reverse=True),
        )
        settled._check_signing_up()  # noqa: SLF001
        return settled if settled.length is None else settled._ending()  # noqa: SLF001

    def _length(self) -> timedelta | None:
        if self.length is None and self.ends_at is not None and self.rule is None:
            # What is on for years is an exhibition, and nothing to sign up for.
            lasts = self.ends_at - self.starts_at
            return lasts if lasts <= LONGEST else None
        if self.length is None and self.rule is not None:
            raise EventRefused("Say how long each occurrence takes, as PT1H30M.", field="/length")
        if self.length is not None and not timedelta(0) < self.length <= LONGEST:
            raise EventRefused("It takes more than nothing, and a year at most.", field="/length")
        return self.length

    def _check_signing_up(self) -> None:
        if self.capacity is not None and self.capacity < 1:
            raise EventRefused(
                "Leave capacity out where there is no limit, or give 1 or more.", field="/capacity"
            )
        if self.sign_up == SigningUp.OPEN and self.length is None:
            raise EventRefused(
                "Say how long it takes, so that people know what they sign up for.", field="/length"
            )
        if self.sign_up == SigningUp.NONE and self.capacity is not None:
            raise EventRefused("Set sign_up to open, or leave capacity out.", field="/capacity")
        if self.sign_up == SigningUp.NONE and self.reminders:
            raise EventRefused(
                "Those who signed up are reminded. Set sign_up to open, or leave reminders out.",
                field="/reminders",
            )

    def _ending(self) -> Self:
        """Return it with the end of its last occurrence."""
        series = self._series()
        check_series(field="/rule", **series)
        if next_after(self.starts_at - MICROSECOND, **series) is None:
            raise EventRefused("All of its occurrences are excluded.", field="/excluded")
        ends_at = last_end(**series)
        if self.rule is not None and ends_at is not None and not is_plannable(ends_at):
            # Whoever has it go on into another age means that it never ends.
            ends_at = None
        if self.ends_at not in {None, ends_at}:
            told = "It has no end." if ends_at is None else f"It ends at {ends_at.isoformat()}."
            raise EventRefused(
                f"Leave ends_at out: it follows from length and rule. {told}", field="/ends_at"
            )
        return replace(self, ends_at=ends_at)

    def _series(self) -> Series:
        return Series(
            starts_at=self.starts_at,
            length=self.length or timedelta(0),
            rule=self.rule,
            time_zone=self.time_zone or "UTC",
            excluded=self.excluded,
        )
