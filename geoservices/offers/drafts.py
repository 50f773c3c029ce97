"""What a manager says of an offer."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from typing_extensions import override

from geoservices.calendars.recurrence import read_rule
from geoservices.checkins.verification import Evidence
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.listings.drafts import ListingDraft
from geoservices.offers.models import Offer
from geoservices.offers.rules import SELF_NEEDS, Redeeming, Renewal
from geoservices.offers.windows import first_on, overlap
from geoservices.places.hours import is_readable
from geoservices.places.models import Place


class OfferRefused(GeoservicesError):
    """The terms of the offer contradict one another, or nobody could ever redeem it."""

    kind = ErrorKind.INVALID
    code = "offer-refused"
    title = "The offer cannot be as it is described"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDraft(ListingDraft):
    """What is said of an offer besides; `Offer` says what each means."""

    makes: ClassVar[type[Offer]] = Offer

    terms: str
    window_starts_at: datetime | None
    window_length: timedelta | None
    window_rule: str | None
    only_when_open: bool
    stock: int | None
    per_person: int | None
    per_person_renews: str
    redeemed_by: str

    @override
    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            EndsBeforeStart: It ends before it starts.
            OfferRefused: Its terms contradict one another.
            RecurrenceRefused: The rule of its windows cannot be used.
        """
        # A dataclass with slots is made anew, so that `super()` without arguments finds another.
        ListingDraft.check(self)
        if self.window_rule is not None:
            read_rule(self.window_rule, field="/window_rule")
        for wrong, message, field in self._contradictions():
            if wrong:
                raise OfferRefused(message, field=field)

    def _contradictions(self) -> list[tuple[bool, str, str]]:
        evidence = Evidence(self.evidence_needed)
        lacks_length = self.window_starts_at is not None and self.window_length is None
        lacks_start = self.window_starts_at is None and (
            self.window_length is not None or self.window_rule is not None
        )
        return [
            (lacks_length, "Say how long a window is, such as PT2H.", "/window_length"),
            (lacks_start, "Say when the first window begins.", "/window_starts_at"),
            (
                self.window_length is not None and self.window_length <= timedelta(0),
                "A window must last longer than nothing.",
                "/window_length",
            ),
            (
                self.per_person is None and self.per_person_renews != Renewal.NEVER,
                "Only a limit can begin anew. Say how many one person may have in per_person, or "
                "let per_person_renews be never.",
                "/per_person_renews",
            ),
            (
                self.redeemed_by == Redeeming.SELF and evidence.rank < SELF_NEEDS.rank,
                "Whoever redeems it themselves must show that they are there: ask for the evidence "
                f"{SELF_NEEDS} or more.",
                "/evidence_needed",
            ),
        ]

    @override
    def check_at(self, place: Place) -> None:
        """Refuse what cannot be at its place.

        Raises:
            OfferRefused: Its windows overlap, or it would never be on.
        """
        hours = place.opening_hours
        if self.only_when_open and (hours is None or not is_readable(hours)):
            raise OfferRefused(
                "The opening hours of the place are not known, so the offer would never be on. "
                "Leave only_when_open out.",
                field="/only_when_open",
            )
        schedule = Offer(**asdict(self)).schedule_at(place)
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
