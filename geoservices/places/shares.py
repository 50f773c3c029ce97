"""Places shared with partners: a library in a town hall, a clinic in a leisure centre."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Organisation
from geoservices.errors import ErrorKind, GeoservicesError, NotFound
from geoservices.places import access_queries, service
from geoservices.places.models import PlaceShare


class SharedWithItself(GeoservicesError):
    """The partner is the organisation whose place it is."""

    kind = ErrorKind.INVALID
    code = "shared-with-itself"
    title = "A place is shared with another organisation"

    def __init__(self) -> None:
        super().__init__("This is your own organisation. Name the partner's slug.")


def share_place(
    session: Session, place_id: UUID, slug: str, *, statistics: bool, grant: Grant, at: datetime
) -> tuple[PlaceShare, Organisation, bool]:
    """Let a partner run things of its own at a place; again changes what it may see.

    Returns:
        The share, the partner, and whether the share was made just now.

    Raises:
        NotFound: The place is not the organisation's, or there is no such partner.
        SharedWithItself: The partner is the organisation itself.
    """
    place = service.get_place_for(session, place_id, grant)
    partner = get_partner(session, slug)
    if partner.id == place.organisation_id:
        raise SharedWithItself
    offered = {
        "id": uuid4(),
        "organisation_id": place.organisation_id,
        "place_id": place_id,
        "partner_id": partner.id,
        "statistics": statistics,
        "shared_at": at,
        "shared_by": grant.actor.person_id,
    }
    share = access_queries.store_share(session, offered)
    return share, partner, share.id == offered["id"]


def get_partner(session: Session, slug: str) -> Organisation:
    """Return the organisation of that short name.

    Raises:
        NotFound: There is none.
    """
    partner = accounts.organisation_by_slug(session, slug)
    if partner is None:
        raise NotFound("organisation")
    return partner
