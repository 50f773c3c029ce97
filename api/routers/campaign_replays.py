"""Campaigns run on what was recorded, before they tell anybody."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.bodies import StrictRoute
from api.dependencies import LimiterDep, Needs, Now, SessionDep, SettingsDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.schemas.replays import ReplayIn, ReplayOut
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.campaigns import replaying_queries, replays, service
from geoservices.campaigns.replays import ReplayUnderWay, Wanted
from geoservices.errors import IdTaken, NotFound
from geoservices.limiting.limiter import TooManyRequests

router = APIRouter(tags=["campaigns"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_WRITE))]


@router.post(
    "/campaigns/{campaign_id}/replays",
    status_code=202,
    responses=problem_responses(IdTaken, NotFound, ReplayUnderWay, TooManyRequests),
)
def ask_for_replay(
    campaign_id: UUID,
    body: ReplayIn,
    grant: Writing,
    session: SessionDep,
    settings: SettingsDep,
    limiter: LimiterDep,
    response: Response,
    at: Now,
) -> ReplayOut:
    """Run a version of the campaign on the last days, as if it had been live all the time.

    A worker does it, as its address tells. It tells nobody anything. Safe to repeat with the same
    id.
    """
    asked = replays.ask_for(
        session,
        campaign_id,
        Wanted(id=body.id, days=body.days, version=body.version),
        grant=grant,
        settings=settings,
        limiter=limiter,
        at=at,
    )
    response.headers["Location"] = f"/v1/campaigns/{campaign_id}/replays/{asked.id}"
    return ReplayOut.of(asked)


@router.get("/campaigns/{campaign_id}/replays", responses=problem_responses(NotFound))
def list_replays(
    request: Request,
    campaign_id: UUID,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[ReplayOut]:
    """See the campaign's replays, newest first, as long as they are kept."""
    service.get_campaign(session, campaign_id, grant=grant)
    rows = replaying_queries.replays_of(
        session, campaign_id, grant, after=instant_and_id(cursor), limit=limit + 1
    )
    return Page(
        items=[ReplayOut.of(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.asked_at, row.id)),
    )


@router.get("/campaigns/{campaign_id}/replays/{replay_id}", responses=problem_responses(NotFound))
def read_replay(
    campaign_id: UUID, replay_id: UUID, grant: Reading, session: SessionDep
) -> ReplayOut:
    """See how far a replay has come, and what came of it."""
    return ReplayOut.of(replays.get_replay(session, campaign_id, replay_id, grant=grant))


@router.delete(
    "/campaigns/{campaign_id}/replays/{replay_id}",
    status_code=204,
    responses=problem_responses(NotFound),
)
def cancel_replay(
    campaign_id: UUID, replay_id: UUID, grant: Writing, session: SessionDep, at: Now
) -> Response:
    """Cancel a replay that is under way; one that is over stays as it is."""
    replays.cancel(session, campaign_id, replay_id, grant=grant, at=at)
    return Response(status_code=204)
