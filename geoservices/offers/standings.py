"""How much of offers is left, for somebody and for all."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.errors import NotFound
from geoservices.instants import LAST
from geoservices.listings import service as listings
from geoservices.listings.models import Listing
from geoservices.offers import queries
from geoservices.offers.models import Offer
from geoservices.offers.terms import begin_of_limit
from geoservices.offers.windows import first_on
from geoservices.places.models import Place
from geoservices.scopes import everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What somebody may still have of an offer.

    `on_until` is None while it is not on, or has no end; `next_on_at` while it is on, or will not
    be again. `left` and `yours_left` are None where there is no end of it, or no limit.
    """

    on: bool
    on_until: datetime | None
    next_on_at: datetime | None
    left: int | None
    yours_left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much of an offer is redeemed, kept for people with a code, and left."""

    redeemed: int
    waiting: int
    left: int | None


def counts_of(session: Session, offer_id: UUID, *, grant: Grant, at: datetime) -> Counts:
    """Return how much of one of the organisation's offers is redeemed.

    Raises:
        NotFound: There is none, or it is another organisation's, or out of reach.
    """
    offer = queries.by_id(session, offer_id)
    if offer is None:
        raise NotFound("offer")
    listings.get_listing(session, offer_id, grant=grant)
    # It is told of nobody in particular, and the redemptions are the people's.
    with everywhere(session):
        waiting = queries.waiting(session, [offer_id], at=at).get(offer_id)
    pieces = waiting.pieces if waiting else 0
    return Counts(redeemed=offer.redeemed_count, waiting=pieces, left=_left(offer, pieces))


def standings(
    session: Session,
    here: Collection[Listing],
    place: Place,
    *,
    person_id: UUID | None,
    at: datetime,
) -> dict[UUID, Standing]:
    """Return what somebody may still have of each offer among listings at a place.

    Args:
        session: The session.
        here: The listings; those of other kinds are passed over.
        place: Where they are.
        person_id: Who asks; None for a machine, which has nothing of anything.
        at: Now.
    """
    offers = [listing for listing in here if isinstance(listing, Offer)]
    if not offers:
        return {}
    since = {offer.id: begin_of_limit(offer, place, at) for offer in offers}
    had = queries.had(session, person_id, since) if person_id else {}
    with everywhere(session):
        waiting = queries.waiting(session, since, at=at)
    return {
        offer.id: _standing(
            offer,
            place,
            waiting=waiting[offer.id].pieces if offer.id in waiting else 0,
            had=had.get(offer.id, 0) if person_id else None,
            at=at,
        )
        for offer in offers
    }


def _left(offer: Offer, waiting: int) -> int | None:
    return None if offer.stock is None else max(0, offer.stock - offer.redeemed_count - waiting)


def _standing(
    offer: Offer, place: Place, *, waiting: int, had: int | None, at: datetime
) -> Standing:
    span = None if offer.withdrawn_at else first_on(offer.schedule_at(place), since=at)
    on = span is not None and span.starts_at <= at
    limited = offer.per_person is not None and had is not None
    return Standing(
        on=on,
        on_until=span.ends_at if span and on and span.ends_at < LAST else None,
        next_on_at=span.starts_at if span and not on else None,
        left=_left(offer, waiting),
        yours_left=max(0, (offer.per_person or 0) - (had or 0)) if limited else None,
    )
