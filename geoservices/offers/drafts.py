"""What a manager says of an offer."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from typing_extensions import override

from geoservices.calendars.recurrence import check_series
from geoservices.checkins.verification import Evidence
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.listings.drafts import ListingDraft
from geoservices.offers.models import Offer
from geoservices.offers.rules import SELF_NEEDS, Redeeming, Renewal
from geoservices.offers.windows import HORIZON, first_on, overlap
from geoservices.places.hours import is_readable
from geoservices.places.models import Place


class OfferRefused(GeoservicesError):
    """The terms of the offer contradict one another, or nobody could ever redeem it."""

    kind = ErrorKind.INVALID
    code = "offer-refused"
    title = "The offer cannot be as it is described"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDraft(ListingDraft):
    """What is said of an offer besides; `Offer` says what each means.

    `window_rule` is as `calendars.recurrence.read_rule` returned it.
    """

    makes: ClassVar[type[Offer]] = Offer

    terms: str = ""
    window_starts_at: datetime | None = None
    window_length: timedelta | None = None
    window_rule: str | None = None
    only_when_open: bool = False
    stock: int | None = None
    per_person: int | None = 1
    per_person_renews: str = Renewal.NEVER
    redeemed_by: str = Redeeming.SCAN

    @override
    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            YearRefused: It begins or ends in another age.
            EndsBeforeStart: It ends before it starts.
            OfferRefused: Its terms contradict one another.
        """
        # A dataclass with slots is made anew, so that `super()` without arguments finds another.
        ListingDraft.check(self)
        for refusal in self._contradictions():
            raise refusal

    def _contradictions(self) -> Iterator[OfferRefused]:
        if self.window_starts_at is not None and self.window_length is None:
            yield OfferRefused("Say how long a window is, such as PT2H.", field="/window_length")
        if self.window_starts_at is None and (self.window_length or self.window_rule):
            yield OfferRefused("Say when the first window begins.", field="/window_starts_at")
        if self.window_length is not None and self.window_length <= timedelta(0):
            yield OfferRefused("A window lasts longer than nothing.", field="/window_length")
        first = self.window_starts_at or self.starts_at
        if abs(first - self.starts_at) > HORIZON:
            yield OfferRefused(
                "The first window begins within a year of starts_at.", field="/window_starts_at"
            )
        if self.per_person is None and self.per_person_renews != Renewal.NEVER:
            yield OfferRefused(
                "Only a limit can begin anew. Say how many one person may have in per_person, or "
                "let per_person_renews be never.",
                field="/per_person_renews",
            )
        evidence = Evidence(self.evidence_needed)
        if self.redeemed_by == Redeeming.SELF and evidence.rank < SELF_NEEDS.rank:
            yield OfferRefused(
                "Whoever redeems it themselves must show that they are there: ask for the evidence "
                f"{SELF_NEEDS} or more.",
                field="/evidence_needed",
            )

    @override
    def check_at(self, place: Place) -> None:
        """Refuse what cannot be at its place.

        Raises:
            OfferRefused: Its windows overlap, or it would never be on.
            RecurrenceRefused: The rule of its windows does not go with the first.
        """
        hours = place.opening_hours
        if self.only_when_open and (hours is None or not is_readable(hours)):
            raise OfferRefused(
                "The opening hours of the place are not known, so the offer would never be on. "
                "Leave only_when_open out.",
                field="/only_when_open",
            )
        schedule = Offer(**asdict(self)).schedule_at(place)
        if self.window_starts_at is not None and self.window_length is not None:
            check_series(
                field="/window_rule",
                starts_at=self.window_starts_at,
                length=self.window_length,
                rule=self.window_rule,
                time_zone=place.time_zone,
            )
            if overlap(schedule):
                raise OfferRefused(
                    "A window would last until after the next one has begun. Make window_length "
                    "shorter, or let window_rule repeat it less often.",
                    field="/window_length",
                )
        if first_on(schedule, since=self.starts_at) is None:
            raise OfferRefused(
                "It would never be on: between starts_at and ends_at there is no window"
                + (" in which the place is open" if self.only_when_open else "")
                + ", or none within a year. Change the windows, or the time of the offer.",
                field="/window_starts_at" if self.window_starts_at else "/only_when_open",
            )
