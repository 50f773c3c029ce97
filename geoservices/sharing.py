"""What ends with the sharing of a place."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices import attending
from geoservices.access.actors import Grant
from geoservices.campaigns import queries as campaigns
from geoservices.codes import queries as codes
from geoservices.errors import NotFound
from geoservices.listings import queries as listings
from geoservices.places import access_queries, shares
from geoservices.places import service as places
from geoservices.scopes import everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How much of a partner's was running at a place and ended with the sharing of it."""

    listings: int
    campaigns: int
    codes: int


def end_share(session: Session, place_id: UUID, slug: str, *, grant: Grant, at: datetime) -> Ended:
    """Share a place with a partner no more, and end at once what the partner has running there.

    Whoever signed up for an event of the partner's there is told that it does not take place. What
    the partner had stays its own to look at. Whoever of the partner's is publishing there right now
    is waited for, so that nothing is left behind.

    Raises:
        NotFound: The place is not the organisation's, or not shared with such a partner.
    """
    place = places.get_place_for(session, place_id, grant)
    partner = shares.get_partner(session, slug)
    if not access_queries.end_share(session, place.id, partner.id, at=at):
        raise NotFound("share")
    with everywhere(session):
        withdrawn = listings.withdraw_all(session, place.id, partner.id, at=at)
        for listing in listings.by_id(session, withdrawn).values():
            listing.note_change(at)
            attending.follow(session, listing, at=at)
        return Ended(
            campaigns=campaigns.end_all(session, place.id, partner.id, at=at),
            listings=len(withdrawn),
            codes=codes.revoke_all(session, place.id, partner.id, at=at),
        )
