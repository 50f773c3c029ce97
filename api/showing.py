"""Listings at a place as people see them, with what there is for them of each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.schemas.events import EventShown
from api.schemas.kinds import AnyListingShown
from api.schemas.offers import OfferShown
from api.schemas.tasks import TaskShown
from geoservices import attending
from geoservices.events.models import Event
from geoservices.listings.models import Listing
from geoservices.offers import standings
from geoservices.offers.looking import Look
from geoservices.offers.models import Offer
from geoservices.places.models import Place


def show(
    session: Session,
    here: Sequence[tuple[Listing, bool]],
    place: Place,
    *,
    person_id: UUID | None,
    at: datetime,
) -> list[AnyListingShown]:
    """Return what is on at a place, as somebody sees it.

    Args:
        session: The transaction to read in.
        here: The listings, each with whether it is unlocked.
        place: Where they are.
        person_id: Who asks; None for a machine.
        at: Now.
    """
    left = standings.standings(
        session, [listing for listing, _ in here], place, person_id=person_id, at=at
    )
    next_ = attending.following(
        session, [listing for listing, _ in here], person_id=person_id, at=at
    )
    shown: list[AnyListingShown] = []
    for listing, unlocked in here:
        if isinstance(listing, Offer):
            shown.append(OfferShown.of_offer(listing, left[listing.id], unlocked=unlocked))
        elif isinstance(listing, Event):
            ahead = next_.get(listing.id)
            shown.append(EventShown.of_event(listing, ahead, unlocked=unlocked))
        else:
            shown.append(TaskShown.of(listing, unlocked=unlocked))
    return shown


def show_offer(session: Session, seen: Look, *, person_id: UUID | None, at: datetime) -> OfferShown:
    """Return one offer, as somebody sees it."""
    left = standings.standings(session, [seen.offer], seen.place, person_id=person_id, at=at)
    return OfferShown.of_offer(seen.offer, left[seen.offer.id], unlocked=seen.unlocked)


def show_event(
    session: Session, event: Event, *, unlocked: bool, person_id: UUID | None, at: datetime
) -> EventShown:
    """Return one event, as somebody sees it."""
    ahead = attending.following(session, [event], person_id=person_id, at=at)
    return EventShown.of_event(event, ahead.get(event.id), unlocked=unlocked)
