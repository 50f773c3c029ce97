"""Campaigns and why they sent or held, for managers; and a person's own decisions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from api.bodies import StrictRoute
from api.dependencies import CurrentPerson, Needs, Now, SessionDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.responses import repeated
from api.schemas.campaigns import (
    CampaignDecisionOut,
    CampaignIn,
    CampaignOut,
    DecisionOut,
    OutcomesOut,
)
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.campaigns import queries, service
from geoservices.campaigns.service import (
    CampaignNotDraft,
    PurposeNotForAudience,
    TaskNotForCitizens,
)
from geoservices.errors import IdTaken, NotFound

router = APIRouter(tags=["campaigns"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_WRITE))]


@router.get("/campaigns")
def list_campaigns(
    request: Request,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[CampaignOut]:
    """See the organisation's campaigns, newest first."""
    rows = queries.of_organisation(session, grant, after=instant_and_id(cursor), limit=limit + 1)
    return Page(
        items=[CampaignOut.model_validate(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.created_at, row.id)),
    )


@router.post(
    "/campaigns",
    status_code=201,
    responses={
        **repeated(CampaignOut),
        **problem_responses(IdTaken, NotFound, PurposeNotForAudience, TaskNotForCitizens),
    },
)
def make_campaign(
    body: CampaignIn,
    grant: Writing,
    session: SessionDep,
    response: Response,
    at: Now,
) -> CampaignOut:
    """Draft a campaign; it says nothing until published. Safe to repeat with the same id."""
    campaign, made = service.make_campaign(
        session, body.to_draft(), campaign_id=body.id, grant=grant, at=at
    )
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/v1/campaigns/{campaign.id}"
    return CampaignOut.model_validate(campaign)


@router.get("/campaigns/{campaign_id}", responses=problem_responses(NotFound))
def read_campaign(
    campaign_id: UUID,
    grant: Reading,
    session: SessionDep,
) -> CampaignOut:
    """See one campaign."""
    campaign = service.get_campaign(session, campaign_id, grant=grant)
    return CampaignOut.model_validate(campaign)


@router.put(
    "/campaigns/{campaign_id}",
    responses=problem_responses(
        CampaignNotDraft, NotFound, PurposeNotForAudience, TaskNotForCitizens
    ),
)
def replace_campaign(
    campaign_id: UUID,
    body: CampaignIn,
    grant: Writing,
    session: SessionDep,
) -> CampaignOut:
    """Change a draft; a published campaign is ended and made anew instead."""
    campaign = service.replace_campaign(session, campaign_id, body.to_draft(), grant=grant)
    return CampaignOut.model_validate(campaign)


@router.put("/campaigns/{campaign_id}/publication", responses=problem_responses(NotFound))
def publish_campaign(
    campaign_id: UUID,
    grant: Writing,
    session: SessionDep,
    at: Now,
) -> CampaignOut:
    """Let the campaign speak from now on; publishing again changes nothing."""
    campaign = service.publish_campaign(session, campaign_id, grant=grant, at=at)
    return CampaignOut.model_validate(campaign)


@router.delete(
    "/campaigns/{campaign_id}/publication", status_code=204, responses=problem_responses(NotFound)
)
def end_campaign(
    campaign_id: UUID,
    grant: Writing,
    session: SessionDep,
    at: Now,
) -> Response:
    """Let the campaign speak no more; ending again changes nothing."""
    service.end_campaign(session, campaign_id, grant=grant, at=at)
    return Response(status_code=204)


@router.get("/campaigns/{campaign_id}/outcomes", responses=problem_responses(NotFound))
def count_outcomes(
    campaign_id: UUID,
    grant: Reading,
    session: SessionDep,
) -> OutcomesOut:
    """Why did nobody get this? How often it sent, and how often each gate held it back."""
    service.get_campaign(session, campaign_id, grant=grant)
    gates = queries.gates_of_campaign(session, campaign_id)
    return OutcomesOut(
        sent=gates.pop(None, 0),
        held={gate: count for gate, count in gates.items() if gate is not None},
    )


@router.get("/campaigns/{campaign_id}/decisions", responses=problem_responses(NotFound))
def list_campaign_decisions(
    request: Request,
    campaign_id: UUID,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[CampaignDecisionOut]:
    """See each decision of a campaign, newest first, without whom it was about.

    The reason is the same sentence for everyone the gate held. What a person set for themselves
    is not told, nor what would show that two decisions are about the same person.
    """
    service.get_campaign(session, campaign_id, grant=grant)
    rows = queries.decisions_of_campaign(
        session, campaign_id, after=instant_and_id(cursor), limit=limit + 1
    )
    return Page(
        items=[CampaignDecisionOut.of(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.decided_at, row.id)),
    )


@router.get("/decisions")
def list_my_decisions(
    request: Request,
    person: CurrentPerson,
    session: SessionDep,
    cursor: Cursor,
    held: Annotated[
        bool | None, Query(description="Only those by which nothing was sent, or only the others")
    ] = None,
    limit: Limit = 50,
) -> Page[DecisionOut]:
    """Why did I get this, and why not that? Every decision about the caller, newest first."""
    rows = queries.decisions_of_person(
        session, person.id, held=held, after=instant_and_id(cursor), limit=limit + 1
    )
    return Page(
        items=[DecisionOut.of(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.decided_at, row.id)),
    )
