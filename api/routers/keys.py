"""API keys for an organisation's machines, for its admins."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.schemas.keys import KeyIn, KeyOut, NewKeyOut, RotationIn
from geoservices.access.actors import Grant
from geoservices.access.reach import ReachRefused
from geoservices.access.rights import Right
from geoservices.errors import NotFound
from geoservices.keys import queries, service
from geoservices.keys.service import KeyLifetimeRefused, KeyNotInUse

router = APIRouter(tags=["keys"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.KEYS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.KEYS_WRITE))]


@router.get("/api-keys")
def list_keys(
    request: Request, grant: Reading, session: SessionDep, cursor: Cursor, limit: Limit = 50
) -> Page[KeyOut]:
    """See the organisation's keys without their secrets, newest first, those of no use too."""
    rows = queries.of_organisation(
        session, grant.organisation_id, after=instant_and_id(cursor), limit=limit + 1
    )
    return Page(
        items=[KeyOut.of(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.created_at, row.id)),
    )


@router.post(
    "/api-keys",
    status_code=201,
    responses=problem_responses(KeyLifetimeRefused, ReachRefused),
)
def make_key(body: KeyIn, grant: Writing, session: SessionDep, at: Now) -> NewKeyOut:
    """Make a key and get its secret, which is shown this once.

    Its scopes are rights that whoever makes it has; no key lets members or other keys in, nor
    checks people in. It is not safe to repeat: it makes another key.
    """
    key, secret = service.make_key(session, body.to_draft(), grant=grant, at=at)
    return NewKeyOut.made(key, secret)


@router.post(
    "/api-keys/{key_id}/rotation",
    status_code=201,
    responses=problem_responses(KeyNotInUse, NotFound),
)
def rotate_key(
    key_id: UUID, body: RotationIn, grant: Writing, session: SessionDep, at: Now
) -> NewKeyOut:
    """Give a key another secret, shown this once; the one before holds for the grace.

    Any secret older than these two ends at once. When the key expires stays as it was.
    """
    key, secret = service.rotate_key(session, key_id, grace=body.grace, grant=grant, at=at)
    return NewKeyOut.made(key, secret)


@router.delete("/api-keys/{key_id}", status_code=204, responses=problem_responses(NotFound))
def revoke_key(key_id: UUID, grant: Writing, session: SessionDep, at: Now) -> Response:
    """Make a key worthless at once, both its secrets; again changes nothing."""
    service.revoke_key(session, key_id, grant=grant, at=at)
    return Response(status_code=204)
