"""Runs of campaigns: had begin now, looked at, and stopped."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep, SettingsDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.responses import repeated
from api.schemas.runs import CampaignRunIn, CampaignRunOut
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.campaigns import beginning, run_queries, running, service
from geoservices.campaigns.beginning import CampaignNotForNow, CampaignNotLive, RunsTooOften
from geoservices.errors import IdTaken, NotFound

router = APIRouter(tags=["campaigns"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_WRITE))]


@router.post(
    "/campaigns/{campaign_id}/runs",
    status_code=201,
    responses={
        **repeated(CampaignRunOut),
        **problem_responses(CampaignNotForNow, CampaignNotLive, IdTaken, NotFound, RunsTooOften),
    },
)
def begin_campaign_run(
    campaign_id: UUID,
    body: CampaignRunIn,
    grant: Writing,
    session: SessionDep,
    settings: SettingsDep,
    response: Response,
    at: Now,
) -> CampaignRunOut:
    """Have a live campaign with the trigger `now` tell all whom it is for.

    Safe to repeat with the same id. They are gone through within a minute or so; pushes to others
    go on meanwhile.
    """
    smallest = settings.statistics.smallest_count
    run, made = beginning.begin_now(
        session, campaign_id, run_id=body.id, grant=grant, smallest=smallest, at=at
    )
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/v1/campaigns/{campaign_id}/runs/{run.id}"
    return CampaignRunOut.of(run, smallest=smallest)


@router.get("/campaigns/{campaign_id}/runs", responses=problem_responses(NotFound))
def list_campaign_runs(
    request: Request,
    campaign_id: UUID,
    grant: Reading,
    session: SessionDep,
    settings: SettingsDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[CampaignRunOut]:
    """See a campaign's runs, newest first, and those that were passed over."""
    service.get_campaign(session, campaign_id, grant=grant)
    rows = run_queries.runs_of(session, campaign_id, after=instant_and_id(cursor), limit=limit + 1)
    smallest = settings.statistics.smallest_count
    return Page(
        items=[CampaignRunOut.of(row, smallest=smallest) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.created_at, row.id)),
    )


@router.get(
    "/campaigns/{campaign_id}/runs/{campaign_run_id}", responses=problem_responses(NotFound)
)
def read_campaign_run(
    campaign_id: UUID,
    campaign_run_id: UUID,
    grant: Reading,
    session: SessionDep,
    settings: SettingsDep,
) -> CampaignRunOut:
    """See how far a run has come."""
    run = running.get_run(session, campaign_id, campaign_run_id, grant=grant)
    return CampaignRunOut.of(run, smallest=settings.statistics.smallest_count)


@router.delete(
    "/campaigns/{campaign_id}/runs/{campaign_run_id}",
    status_code=204,
    responses=problem_responses(NotFound),
)
def stop_campaign_run(
    campaign_id: UUID, campaign_run_id: UUID, grant: Writing, session: SessionDep, at: Now
) -> Response:
    """Have a run tell nobody more, and what waits to be pushed not be; again changes nothing."""
    running.stop_run(session, campaign_id, campaign_run_id, grant=grant, at=at)
    return Response(status_code=204)
