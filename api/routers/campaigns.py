"""Campaigns, for those who run them; and a person's own decisions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from api.bodies import StrictRoute
from api.dependencies import CurrentPerson, Needs, Now, SessionDep, SettingsDep
from api.pagination import Cursor, Limit, Page, decode, instant_and_id, next_address
from api.problems import problem_responses
from api.responses import repeated
from api.schemas.campaigns import (
    CampaignIn,
    CampaignOut,
    CampaignVersionOut,
    DecisionOut,
)
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.calendars.recurrence import RecurrenceRefused
from geoservices.campaigns import queries, service
from geoservices.campaigns.addressing import (
    AudienceContradictory,
    ConditionOutOfReach,
    CriticalForCitizens,
    PurposeNotForAudience,
    TaskNotForCitizens,
)
from geoservices.campaigns.checking import (
    PlaceSetEmpty,
    PlaceSetRefused,
    ScheduleNeverOn,
    VariantsAlike,
)
from geoservices.campaigns.goals import GoalOutOfReach
from geoservices.campaigns.models import Campaign
from geoservices.campaigns.paces import TellsTooOften
from geoservices.campaigns.service import CampaignEnded, CampaignInReview, CampaignPublished
from geoservices.campaigns.subjects import ListingNeverOn, ListingOver
from geoservices.campaigns.triggering import (
    PlacesMissing,
    ReleaseRefused,
    ScheduleRefused,
    TimetableRefused,
)
from geoservices.campaigns.wording import (
    PlaceholderEmpty,
    PlaceholderUnknown,
    TextMissing,
    TextTooLong,
)
from geoservices.errors import Forbidden, IdTaken, NotFound
from geoservices.explanations import service as explanations
from geoservices.languages import LanguageRefused

router = APIRouter(tags=["campaigns"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_WRITE))]
WHEN_STORED = (
    AudienceContradictory,
    ConditionOutOfReach,
    CriticalForCitizens,
    GoalOutOfReach,
    LanguageRefused,
    Forbidden,
    PlaceholderEmpty,
    PlaceholderUnknown,
    PlaceSetRefused,
    PlacesMissing,
    PurposeNotForAudience,
    RecurrenceRefused,
    ReleaseRefused,
    ScheduleRefused,
    TaskNotForCitizens,
    TextMissing,
    TextTooLong,
    TimetableRefused,
    VariantsAlike,
)
WHEN_PUBLISHED = (ListingNeverOn, ListingOver, PlaceSetEmpty, ScheduleNeverOn, TellsTooOften)
MOST_VERSIONS = 2**31 - 1
"""What the database can count to."""


def _version_number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_VERSIONS:
        raise ValueError("out of range")
    return number


def _told(session: Session, campaign: Campaign, at: datetime) -> CampaignOut:
    return CampaignOut.of(campaign, queries.newest_version(session, campaign), at=at)


@router.get("/campaigns")
def list_campaigns(
    request: Request,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    at: Now,
    limit: Limit = 50,
) -> Page[CampaignOut]:
    """See the organisation's campaigns, newest first."""
    rows = queries.of_organisation(session, grant, after=instant_and_id(cursor), limit=limit + 1)
    return Page(
        items=[
            CampaignOut.of(campaign, version, at=at)
            for campaign, version in queries.newest_versions(session, rows[:limit])
        ],
        next=next_address(request, rows, limit, lambda row: (row.created_at, row.id)),
    )


@router.post(
    "/campaigns",
    status_code=201,
    responses={**repeated(CampaignOut), **problem_responses(*WHEN_STORED, IdTaken, NotFound)},
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
    return _told(session, campaign, at)


@router.get("/campaigns/{campaign_id}", responses=problem_responses(NotFound))
def read_campaign(campaign_id: UUID, grant: Reading, session: SessionDep, at: Now) -> CampaignOut:
    """See one campaign as it is now."""
    return _told(session, service.get_campaign(session, campaign_id, grant=grant), at)


@router.put(
    "/campaigns/{campaign_id}",
    responses=problem_responses(
        *WHEN_STORED, *WHEN_PUBLISHED, CampaignInReview, CampaignPublished, CampaignEnded, NotFound
    ),
)
def replace_campaign(
    campaign_id: UUID,
    body: CampaignIn,
    grant: Writing,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
) -> CampaignOut:
    """Change a draft, or what a published campaign says of all that happens from now on.

    Each change is a version of its own. Purpose, class and listing of a published campaign stay.
    """
    campaign = service.replace_campaign(
        session,
        campaign_id,
        body.to_draft(),
        grant=grant,
        settings=settings,
        at=at,
    )
    return _told(session, campaign, at)


@router.get("/campaigns/{campaign_id}/versions", responses=problem_responses(NotFound))
def list_campaign_versions(
    request: Request,
    campaign_id: UUID,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[CampaignVersionOut]:
    """See what a campaign said before, newest first, and which decisions that was for."""
    service.get_campaign(session, campaign_id, grant=grant)
    before = decode(cursor, _version_number)[0] if cursor else None
    rows = queries.versions_of(session, campaign_id, before=before, limit=limit + 1)
    return Page(
        items=[CampaignVersionOut.of(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.number,)),
    )


@router.put(
    "/campaigns/{campaign_id}/review",
    responses=problem_responses(CampaignEnded, CampaignPublished, NotFound),
)
def submit_campaign(campaign_id: UUID, grant: Writing, session: SessionDep, at: Now) -> CampaignOut:
    """Put a draft up for review, in which nobody changes it; again changes nothing."""
    campaign = service.submit_campaign(session, campaign_id, grant=grant, at=at)
    return _told(session, campaign, at)


@router.delete(
    "/campaigns/{campaign_id}/review",
    status_code=204,
    responses=problem_responses(CampaignPublished, NotFound),
)
def take_back_campaign(campaign_id: UUID, grant: Writing, session: SessionDep) -> Response:
    """Make a draft of it again; a draft stays one."""
    service.take_back_campaign(session, campaign_id, grant=grant)
    return Response(status_code=204)


@router.put(
    "/campaigns/{campaign_id}/publication",
    responses=problem_responses(*WHEN_STORED, *WHEN_PUBLISHED, CampaignEnded, NotFound),
)
def publish_campaign(
    campaign_id: UUID,
    grant: Writing,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
) -> CampaignOut:
    """Let the campaign speak from now on, or from when it starts; again changes nothing.

    It is refused if anything speaks against it: `POST …/check` says what, all at once.
    """
    campaign = service.publish_campaign(
        session,
        campaign_id,
        grant=grant,
        settings=settings,
        at=at,
    )
    return _told(session, campaign, at)


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
    told = explanations.tell(session, rows[:limit], time_zone=person.time_zone)
    return Page(
        items=[DecisionOut.of(one) for one in told],
        next=next_address(request, rows, limit, lambda row: (row.decided_at, row.id)),
    )
