"""Offers on the wire."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.qr import draw
from api.schemas.codes import QrOut
from api.schemas.common import DurationIn, DurationOut, In, Instant, Out, Text
from api.schemas.listings import ListingFields, ListingOut, ListingShown
from api.schemas.places import PlaceHead
from geoservices.accounts.joining_codes import write_code
from geoservices.calendars.recurrence import Span, read_rule
from geoservices.errors import GeoservicesError
from geoservices.instants import LAST
from geoservices.listings.models import Listing, ListingKind
from geoservices.offers.codes import scanned_form
from geoservices.offers.drafts import OfferDraft
from geoservices.offers.looking import Look
from geoservices.offers.models import Offer, Redemption
from geoservices.offers.refusals import OfferLimitReached, OfferNotOn, OfferUsedUp
from geoservices.offers.rules import Redeeming, Renewal
from geoservices.offers.service import GivenCode, Redeemed
from geoservices.offers.standings import Standing
from geoservices.offers.windows import HORIZON
from geoservices.places.models import Place

MOST = 1_000_000
Pieces = Annotated[int, Field(strict=True, ge=1, le=MOST)]


class OfferIn(ListingFields):
    """What a manager says of an offer."""

    kind: Literal[ListingKind.OFFER]
    terms: Annotated[Text, StringConstraints(max_length=5000)] = Field(
        default="", description="What holds for whoever redeems it, for people and staff to read"
    )
    window_starts_at: Instant | None = Field(
        default=None, description="When the first window begins; without one it is on all the time"
    )
    window_length: DurationIn | None = Field(
        default=None, gt=timedelta(0), le=HORIZON, description="How long each window is"
    )
    window_rule: Annotated[Text, StringConstraints(min_length=1, max_length=500)] | None = Field(
        default=None,
        description="An RRULE (RFC 5545) that repeats the window by the clocks of the place",
        examples=["FREQ=WEEKLY;BYDAY=TU,TH"],
    )
    only_when_open: bool = Field(
        default=False, description="Only on while the place's opening hours say that it is open"
    )
    stock: Pieces | None = Field(
        default=None, description="How many there are in all; without it there is no end of them"
    )
    per_person: Pieces | None = Field(
        default=1, description="How many one person may have; null for as many as they like"
    )
    per_person_renews: Renewal = Field(
        default=Renewal.NEVER,
        description="When the limit of one person begins anew, by the calendar of the place",
    )
    redeemed_by: Redeeming = Field(
        default=Redeeming.SCAN,
        description="`scan`: staff take a code; `self`: a check-in at the place is enough",
    )

    def to_draft(self) -> OfferDraft:
        """Return what the domain takes.

        Raises:
            RecurrenceRefused: The rule of its windows cannot be used.
        """
        told = self.model_dump(exclude={"id"})
        if self.window_rule is not None:
            told["window_rule"] = read_rule(self.window_rule, field="/window_rule")
        return OfferDraft(**told)


class OfferTerms(Out):
    """What the terms of an offer are."""

    terms: str
    only_when_open: bool
    stock: int | None = Field(description="How many there are in all; null where there is no end")
    per_person: int | None = Field(description="How many one person may have; null for any")
    per_person_renews: Renewal
    redeemed_by: Redeeming


class OfferOut(OfferTerms, ListingOut):
    """An offer as its managers see it."""

    kind: Literal[ListingKind.OFFER]
    window_starts_at: datetime | None
    window_length: DurationOut | None
    window_rule: str | None
    redeemed_count: int = Field(description="How many were redeemed so far")


class StandingOut(Out):
    """What the caller may still have of an offer."""

    on: bool = Field(description="Whether it can be redeemed now")
    on_until: datetime | None = Field(
        description="Until when; null while it is not on, and where no end is near"
    )
    next_on_at: datetime | None = Field(
        description="When it is on next; null while it is, and where that is not within a year"
    )
    left: int | None = Field(
        description="How many are neither redeemed nor kept for somebody with a code; null "
        "where there is no end of them"
    )
    yours_left: int | None = Field(
        description="How many the caller may still have; null where there is no limit"
    )


class OfferShown(OfferTerms, ListingShown):
    """An offer as people see it."""

    kind: Literal[ListingKind.OFFER]
    standing: StandingOut

    @classmethod
    def of_offer(cls, offer: Offer, standing: Standing, *, unlocked: bool) -> Self:
        """Show an offer, with its text only if it is unlocked."""
        fields = {name: getattr(offer, name) for name in cls.model_fields if name != "standing"}
        shown = cls(**fields, standing=StandingOut.model_validate(standing))
        return shown if unlocked else shown.model_copy(update={"text": None})


class RedemptionCodeOut(Out):
    """What a person shows to staff to redeem an offer."""

    id: UUID = Field(description="The redemption's number")
    offer_id: UUID
    code: str = Field(description="To be typed; small letters and no hyphen are as good")
    qr: QrOut
    expires_at: datetime
    seconds_left: float = Field(
        description="How many seconds it counts from now, for phones whose clocks are wrong"
    )

    @classmethod
    def of(cls, given: GivenCode, *, at: datetime) -> Self:
        """Show a code."""
        redemption = given.redemption
        # The database refuses a code that does not expire.
        expires_at = redemption.expires_at or at
        return cls.model_validate(
            {
                "id": redemption.id,
                "offer_id": redemption.offer_id,
                "code": write_code(given.code),
                "qr": QrOut.of(draw(scanned_form(given.code), correction="m")),
                "expires_at": expires_at,
                "seconds_left": max(0.0, (expires_at - at).total_seconds()),
            }
        )


class SelfRedemptionIn(In):
    """A person says: I take one."""

    id: UUID | None = Field(default=None, description="The device's own, so that a retry is safe")


class RedemptionIn(In):
    """Staff say: whoever showed me this code gets one."""

    id: UUID | None = Field(default=None, description="The scanner's own, so that a retry is safe")
    code: Annotated[Text, StringConstraints(min_length=1, max_length=64)] = Field(
        description="As it was scanned or typed"
    )


class RedeemedOut(Out):
    """What was redeemed; it does not say by whom."""

    redemption_id: UUID
    offer_id: UUID
    place_id: UUID
    title: str
    terms: str
    redeemed_at: datetime | None

    @classmethod
    def of(cls, redeemed: Redeemed) -> Self:
        """Show what was redeemed."""
        return cls(
            redemption_id=redeemed.redemption.id,
            offer_id=redeemed.offer.id,
            place_id=redeemed.redemption.place_id,
            title=redeemed.offer.title,
            terms=redeemed.offer.terms,
            redeemed_at=redeemed.redemption.redeemed_at,
        )


class RedemptionOut(Out):
    """Something that the caller redeemed, or may redeem with a code."""

    id: UUID
    offer_id: UUID
    place_id: UUID
    place_name: str
    title: str
    made_at: datetime
    expires_at: datetime | None = Field(description="Until when the code counts; null without one")
    redeemed_at: datetime | None

    @classmethod
    def of(cls, redemption: Redemption, offer: Listing, place: Place) -> Self:
        """Show a redemption to its person."""
        return cls(
            id=redemption.id,
            offer_id=redemption.offer_id,
            place_id=redemption.place_id,
            place_name=place.name,
            title=offer.title,
            made_at=redemption.made_at,
            expires_at=redemption.expires_at,
            redeemed_at=redemption.redeemed_at,
        )


class OnSpanOut(Out):
    """A time in which an offer is on."""

    starts_at: datetime
    ends_at: datetime | None = Field(description="Null where no end is near")

    @classmethod
    def of(cls, span: Span) -> Self:
        """Show a time."""
        return cls(starts_at=span.starts_at, ends_at=span.ends_at if span.ends_at < LAST else None)


class SingleOfferOut(OfferShown):
    """An offer by itself, as people see it."""

    place: PlaceHead
    unlocked: bool = Field(description="Whether what it says is the caller's to read")
    spans: list[OnSpanOut] = Field(
        description="When it is on within a week from now, the earliest first, at most 20"
    )
    yours: RedemptionOut | None = Field(
        description="What the caller asked for last, if it was redeemed or is a code that counts"
    )
    refused_with: str | None = Field(
        description="The code of the problem that the caller would be answered with now, if they "
        "agreed to what they are asked; null for none"
    )
    possible_at: datetime | None = Field(
        description="When that may be over; null where nobody knows, and without a problem"
    )

    @classmethod
    def of_look(cls, look: Look, shown: OfferShown) -> Self:
        """Show an offer with what is told of one at a time."""
        return cls(
            **shown.model_dump(),
            place=PlaceHead.model_validate(look.place),
            unlocked=look.unlocked,
            spans=[OnSpanOut.of(span) for span in look.spans],
            yours=look.yours and RedemptionOut.of(look.yours, look.offer, look.place),
            refused_with=look.refused.code if look.refused else None,
            possible_at=_possible_at(look.refused),
        )


def _possible_at(refused: GeoservicesError | None) -> datetime | None:
    match refused:
        case OfferNotOn():
            return refused.next_on_at
        case OfferUsedUp():
            return refused.free_at
        case OfferLimitReached():
            return refused.again_at
        case _:
            return None


class RedemptionCountsOut(Out):
    """How much of an offer is redeemed, and by nobody in particular."""

    redeemed: int = Field(description="How many were redeemed")
    waiting: int = Field(description="How many are kept for people who have a code that counts")
    left: int | None = Field(
        description="How many are left beside these; null where there is no end of it"
    )
