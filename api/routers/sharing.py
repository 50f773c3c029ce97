"""How an organisation's places are tagged and nested, and which are shared with partners."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep
from api.problems import problem_responses
from api.responses import repeated
from api.schemas.common import Text
from api.schemas.sharing import (
    EndedOut,
    ParentIn,
    ParentOut,
    ShareIn,
    ShareOut,
    TagsIn,
    TagsOut,
)
from geoservices import sharing
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.errors import NotFound
from geoservices.places import access_queries, parents, service, shares
from geoservices.places.parents import ParentRefused
from geoservices.places.shares import SharedWithItself

router = APIRouter(tags=["sharing"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.PLACES_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.PLACES_WRITE))]
Sharing = Annotated[Grant, Depends(Needs(Right.PLACES_SHARE))]
Slug = Annotated[Text, Path(max_length=60, description="The partner's slug")]


@router.get("/places/{place_id}/tags", responses=problem_responses(NotFound))
def read_tags(place_id: UUID, grant: Reading, session: SessionDep) -> TagsOut:
    """See by which words the organisation groups a place with others."""
    return TagsOut.model_validate(service.get_place_for(session, place_id, grant))


@router.put("/places/{place_id}/tags", responses=problem_responses(NotFound))
def set_tags(place_id: UUID, body: TagsIn, grant: Writing, session: SessionDep) -> TagsOut:
    """Give a place exactly these tags; who is limited to places by tag has others from now on."""
    return TagsOut.model_validate(service.set_tags(session, place_id, body.tags, grant))


@router.put("/places/{place_id}/parent", responses=problem_responses(NotFound, ParentRefused))
def set_parent(place_id: UUID, body: ParentIn, grant: Writing, session: SessionDep) -> ParentOut:
    """Make a place part of another of the organisation's, as a library is of a civic centre.

    Campaigns may then wait at all of them once somebody was told something at one.
    """
    place = parents.set_parent(session, place_id, body.parent_id, grant=grant)
    return ParentOut.model_validate(place)


@router.get("/places/{place_id}/shares", responses=problem_responses(NotFound))
def list_shares(place_id: UUID, grant: Reading, session: SessionDep) -> list[ShareOut]:
    """See with whom a place is shared; a partner sees that it is shared with itself."""
    place = service.get_place_for(session, place_id, grant)
    rows = access_queries.shares_of(session, place.id, seen_by=grant.organisation_id)
    return [ShareOut.of(share, partner) for share, partner in rows]


@router.put(
    "/places/{place_id}/shares/{organisation_slug}",
    status_code=201,
    responses={**repeated(ShareOut), **problem_responses(NotFound, SharedWithItself)},
)
def share_place(
    place_id: UUID,
    organisation_slug: Slug,
    body: ShareIn,
    grant: Sharing,
    session: SessionDep,
    response: Response,
    at: Now,
) -> ShareOut:
    """Let a partner have listings, campaigns and codes of its own at a place.

    With `statistics` it also sees how many come. The geofences, and all that is the owner's,
    stay the owner's. Again changes only whether the partner sees statistics.
    """
    share, partner, made = shares.share_place(
        session, place_id, organisation_slug, statistics=body.statistics, grant=grant, at=at
    )
    response.status_code = 201 if made else 200
    return ShareOut.of(share, partner)


@router.delete(
    "/places/{place_id}/shares/{organisation_slug}", responses=problem_responses(NotFound)
)
def end_share(
    place_id: UUID, organisation_slug: Slug, grant: Sharing, session: SessionDep, at: Now
) -> EndedOut:
    """Share a place with a partner no more, which ends at once what the partner has running there.

    Its listings are withdrawn, its campaigns ended and its codes revoked; the answer counts them.
    """
    ended = sharing.end_share(session, place_id, organisation_slug, grant=grant, at=at)
    return EndedOut.model_validate(ended)
