"""Places that are part of others: a library in a civic centre, a room in that library."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.errors import ErrorKind, GeoservicesError, NotFound
from geoservices.places import queries, service
from geoservices.places.models import Place


class ParentRefused(GeoservicesError):
    """The place cannot be part of that one."""

    kind = ErrorKind.INVALID
    code = "parent-refused"
    title = "The place cannot be part of that one"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="/parent_id")


def set_parent(session: Session, place_id: UUID, parent_id: UUID | None, *, grant: Grant) -> Place:
    """Make a place part of another of the organisation's, or of none.

    Raises:
        NotFound: The place is not the organisation's, or out of reach.
        ParentRefused: The other is not, or it is part of the place itself.
    """
    place = service.get_place_for(session, place_id, grant)
    if parent_id is not None:
        parent = _parent(session, parent_id, grant)
        # Two who make each a part of the other's at the same time would make a ring.
        accounts.hold_organisation(session, grant.organisation_id)
        if makes_ring(queries.parents(session, grant.organisation_id), place.id, parent.id):
            raise ParentRefused(
                f"“{parent.name}” is this place, or is part of it already. Name a place that is "
                "not, or make that one part of another first."
            )
    place.parent_id = parent_id
    return place


def link(
    session: Session, organisation_id: UUID, source: str, wanted: Mapping[str, str]
) -> dict[str, str]:
    """Make imported places parts of others of the same source, both by their external ids.

    Returns:
        Why those that could not be were left as they are, by their external ids.
    """
    accounts.hold_organisation(session, organisation_id)
    known = queries.known(session, organisation_id, source, {*wanted, *wanted.values()})
    parents = queries.parents(session, organisation_id)
    refused: dict[str, str] = {}
    for external_id, parent in wanted.items():
        if parent not in known:
            refused[external_id] = f"there is no place {parent!r} of this source to be part of"
            continue
        place_id, parent_id = known[external_id][0], known[parent][0]
        if makes_ring(parents, place_id, parent_id):
            refused[external_id] = f"{parent!r} is this place, or is part of it"
            continue
        parents[place_id] = parent_id
    linked = {known[one][0] for one in wanted.keys() - refused.keys()}
    queries.store_parents(session, {place_id: parents[place_id] for place_id in linked})
    return refused


def makes_ring(parents: Mapping[UUID, UUID], place_id: UUID, parent_id: UUID) -> bool:
    """Tell whether a place would be part of itself if it were part of another.

    Args:
        parents: What is part of what; without a ring.
        place_id: The place.
        parent_id: The other.
    """
    above: UUID | None = parent_id
    while above is not None and above != place_id:
        above = parents.get(above)
    return above is not None


def _parent(session: Session, parent_id: UUID, grant: Grant) -> Place:
    try:
        parent = service.get_place_for(session, parent_id, grant)
    except NotFound:
        parent = None
    if parent is None or parent.organisation_id != grant.organisation_id:
        raise ParentRefused("Your organisation has no such place. Name one of its own.")
    return parent
