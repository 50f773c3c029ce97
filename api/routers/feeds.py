"""Feeds of events, for managers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep, SettingsDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.schemas.feeds import FeedChangesIn, FeedIn, FeedOut, RunIn, RunOut
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.errors import NotFound
from geoservices.feeds import queries, service
from geoservices.feeds.service import FeedKnown, FeedRefused, RunWaiting

router = APIRouter(tags=["feeds"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.LISTINGS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.LISTINGS_WRITE))]


@router.get("/feeds")
def list_feeds(
    request: Request, grant: Reading, session: SessionDep, cursor: Cursor, limit: Limit = 50
) -> Page[FeedOut]:
    """See the organisation's feeds, newest first."""
    rows = queries.feeds_of(session, grant, after=instant_and_id(cursor), limit=limit + 1)
    return Page(
        items=[FeedOut.model_validate(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.created_at, row.id)),
    )


@router.post(
    "/feeds", status_code=201, responses=problem_responses(FeedKnown, FeedRefused, NotFound)
)
def make_feed(
    body: FeedIn,
    grant: Writing,
    session: SessionDep,
    settings: SettingsDep,
    response: Response,
    at: Now,
) -> FeedOut:
    """Have events fetched from an address from now on; the first time at once."""
    feed = service.make_feed(session, body.to_draft(), grant=grant, settings=settings.feeds, at=at)
    response.headers["Location"] = f"/v1/feeds/{feed.id}"
    return FeedOut.model_validate(feed)


@router.get("/feeds/{feed_id}", responses=problem_responses(NotFound))
def read_feed(feed_id: UUID, grant: Reading, session: SessionDep) -> FeedOut:
    """See one feed: when it is fetched next, and since when it fails."""
    return FeedOut.model_validate(service.get_feed(session, feed_id, grant=grant))


@router.patch("/feeds/{feed_id}", responses=problem_responses(FeedKnown, FeedRefused, NotFound))
def change_feed(
    feed_id: UUID,
    body: FeedChangesIn,
    grant: Writing,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
) -> FeedOut:
    """Say something else of a feed, or pause it."""
    feed = service.get_feed(session, feed_id, grant=grant)
    changed = service.change_feed(
        session, feed, body.to_draft(feed), grant=grant, settings=settings.feeds, at=at
    )
    return FeedOut.model_validate(changed)


@router.delete("/feeds/{feed_id}", status_code=204, responses=problem_responses(NotFound))
def delete_feed(feed_id: UUID, grant: Writing, session: SessionDep, at: Now) -> Response:
    """Fetch a feed no more, and withdraw the events that it told of."""
    service.delete_feed(session, service.get_feed(session, feed_id, grant=grant), at=at)
    return Response(status_code=204)


@router.post(
    "/feeds/{feed_id}/runs",
    status_code=202,
    responses=problem_responses(FeedRefused, NotFound, RunWaiting),
)
def run_feed(
    feed_id: UUID,
    body: RunIn,
    grant: Writing,
    session: SessionDep,
    response: Response,
    at: Now,
) -> RunOut:
    """Have a feed fetched now, or have it said what that would change."""
    feed = service.get_feed(session, feed_id, grant=grant)
    run = service.ask_for_run(
        session, feed, preview=body.preview, believed=body.believe_missing, at=at
    )
    response.headers["Location"] = f"/v1/feeds/{feed.id}/runs/{run.id}"
    return RunOut.of(run)


@router.get("/feeds/{feed_id}/runs", responses=problem_responses(NotFound))
def list_runs(
    request: Request,
    feed_id: UUID,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 10,
) -> Page[RunOut]:
    """See the last 50 runs of a feed, newest first, each with what it changed and its faults."""
    feed = service.get_feed(session, feed_id, grant=grant)
    rows = queries.runs_of(session, feed.id, after=instant_and_id(cursor), limit=limit + 1)
    return Page(
        items=[RunOut.of(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.asked_at, row.id)),
    )


@router.get("/feeds/{feed_id}/runs/{run_id}", responses=problem_responses(NotFound))
def read_run(feed_id: UUID, run_id: UUID, grant: Reading, session: SessionDep) -> RunOut:
    """See one run of a feed."""
    feed = service.get_feed(session, feed_id, grant=grant)
    return RunOut.of(service.get_run(session, feed, run_id))
