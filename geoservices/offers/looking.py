"""One offer as somebody sees it: when it is on, what they have of it, and why they cannot now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.calendars.recurrence import Span
from geoservices.errors import GeoservicesError, NotFound
from geoservices.listings.service import is_unlocked
from geoservices.offers import queries, service
from geoservices.offers.models import Offer, Redemption
from geoservices.offers.windows import on_within
from geoservices.places import service as places
from geoservices.places.models import Place
from geoservices.settings.presence import OfferSettings

LOOKS_AHEAD: Final = timedelta(days=7)
MOST_SPANS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An offer at its place, for somebody.

    `spans` is when it is on within a week; `yours` what they asked for last, if that was redeemed
    or is a code that counts; `refused` what they would be refused with who wanted it now, but for
    a consent that they may still give.
    """

    offer: Offer
    place: Place
    unlocked: bool
    spans: list[Span]
    yours: Redemption | None
    refused: GeoservicesError | None


def look(
    session: Session, offer_id: UUID, *, person_id: UUID | None, offers: OfferSettings, at: datetime
) -> Look:
    """Return an offer as a person sees it, or somebody whom nobody knows.

    Raises:
        NotFound: There is none, or it was withdrawn.
    """
    offer = queries.by_id(session, offer_id)
    if offer is None or offer.withdrawn_at is not None:
        raise NotFound("offer")
    place = places.get_place(session, offer.place_id)
    since = at - offers.check_in_counts
    return Look(
        offer=offer,
        place=place,
        unlocked=is_unlocked(session, offer, person_id=person_id, since=since),
        spans=on_within(
            offer.schedule_at(place), since=at, until=at + LOOKS_AHEAD, limit=MOST_SPANS
        ),
        yours=queries.latest_of(session, offer_id, person_id, at=at) if person_id else None,
        refused=service.hindrance(session, offer, place, person_id, offers=offers, at=at),
    )
