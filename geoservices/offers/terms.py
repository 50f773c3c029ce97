"""Whether somebody may have one more of an offer, by its terms."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.listings.service import is_unlocked
from geoservices.offers import queries
from geoservices.offers.models import Offer
from geoservices.offers.refusals import (
    OfferLimitReached,
    OfferLocked,
    OfferNotOn,
    OfferUsedUp,
    RedeemedOtherwise,
)
from geoservices.offers.rules import Redeeming, Renewal, counted_since, renewed_at
from geoservices.offers.windows import first_on
from geoservices.places.models import Place
from geoservices.settings.presence import OfferSettings


def check_may(
    session: Session,
    offer: Offer,
    place: Place,
    person_id: UUID | None,
    way: Redeeming,
    offers: OfferSettings,
    at: datetime,
) -> datetime:
    """Refuse unless the offer is on, in this way, and unlocked; return until when it is on."""
    on = None if offer.withdrawn_at else first_on(offer.schedule_at(place), since=at)
    if on is None or on.starts_at > at:
        raise OfferNotOn(on.starts_at if on else None)
    if offer.redeemed_by != way:
        raise RedeemedOtherwise(offer.redeemed_by)
    if not is_unlocked(session, offer, person_id=person_id, since=at - offers.check_in_counts):
        raise OfferLocked(offer.evidence_needed)
    return on.ends_at


def check_left(
    session: Session,
    offer: Offer,
    place: Place,
    person_id: UUID | None,
    *,
    at: datetime,
    kept: bool,
) -> None:
    """Refuse if a person has had all that they may, or nothing is left of an offer that is held.

    Args:
        session: The session.
        offer: The offer.
        place: Its place.
        person_id: Who is to have one more; None for somebody who has had none.
        at: Now.
        kept: Whether a piece is kept for them already.
    """
    since = begin_of_limit(offer, place, at)
    had = queries.had(session, person_id, {offer.id: since}).get(offer.id, 0) if person_id else 0
    if offer.per_person is not None and had >= offer.per_person:
        renewal = Renewal(offer.per_person_renews)
        again_at = renewed_at(renewal, time_zone=place.time_zone, at=at)
        raise OfferLimitReached(offer.per_person, again_at)
    if offer.stock is None:
        return
    if offer.redeemed_count >= offer.stock:
        raise OfferUsedUp(None)
    waiting = queries.waiting(session, [offer.id], at=at).get(offer.id)
    if waiting and not kept and offer.redeemed_count + waiting.pieces >= offer.stock:
        raise OfferUsedUp(waiting.until)


def begin_of_limit(offer: Offer, place: Place, at: datetime) -> datetime | None:
    """Return from when on redemptions count towards one person's limit; None from the first."""
    renewal = Renewal(offer.per_person_renews)
    return counted_since(renewal, time_zone=place.time_zone, at=at)
