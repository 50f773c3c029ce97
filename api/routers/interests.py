"""Topics that organisations offer, and what people want to hear of."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.bodies import StrictRoute
from api.dependencies import CurrentPerson, Needs, Now, SessionDep
from api.pagination import Cursor, Limit, Page, name_and_id, next_address
from api.problems import problem_responses
from api.schemas.definitions import TopicWord
from api.schemas.interests import InterestsIn, InterestsOut, TopicIn, TopicOut
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.accounts.service import ConsentMissing
from geoservices.errors import Forbidden
from geoservices.interests import queries, service
from geoservices.interests.queries import AfterTopic
from geoservices.interests.service import TooManyTopics, TopicNameMissing, TopicUnknown
from geoservices.languages import LanguageRefused

router = APIRouter(tags=["interests"], route_class=StrictRoute)

Writing = Annotated[Grant, Depends(Needs(Right.CAMPAIGNS_WRITE))]


@router.get("/topics")
def list_topics(
    request: Request,
    session: SessionDep,
    cursor: Cursor,
    organisation_id: UUID | None = None,
    limit: Limit = 50,
) -> Page[TopicOut]:
    """See what people may choose to hear of, of one organisation or of all, by key."""
    after = name_and_id(cursor, AfterTopic)
    rows = queries.topics(session, organisation_id, after=after, limit=limit + 1)
    return Page(
        items=[TopicOut.model_validate(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.key, row.organisation_id)),
    )


@router.put(
    "/topics/{key}",
    responses=problem_responses(Forbidden, LanguageRefused, TooManyTopics, TopicNameMissing),
)
def offer_topic(
    key: TopicWord, body: TopicIn, grant: Writing, session: SessionDep, at: Now
) -> TopicOut:
    """Offer people to hear of something, or give it other names; again changes nothing."""
    topic = service.offer_topic(session, key, body.names, grant=grant, at=at)
    return TopicOut.model_validate(topic)


@router.delete("/topics/{key}", status_code=204, responses=problem_responses(Forbidden))
def withdraw_topic(key: TopicWord, grant: Writing, session: SessionDep) -> Response:
    """Offer it no more. It is nobody's interest any more then; again changes nothing."""
    service.withdraw_topic(session, key, grant=grant)
    return Response(status_code=204)


@router.get("/me/interests")
def list_interests(person: CurrentPerson, session: SessionDep) -> InterestsOut:
    """See what the caller wants to hear of."""
    return InterestsOut.of(queries.interests_of(session, person.id))


@router.put("/me/interests", responses=problem_responses(ConsentMissing, Forbidden, TopicUnknown))
def choose_interests(
    body: InterestsIn, person: CurrentPerson, session: SessionDep, at: Now
) -> InterestsOut:
    """Choose all that one wants to hear of, in place of what was chosen before.

    Whether anything is told at all, the consents say: an interest is no consent.
    """
    return InterestsOut.of(service.choose_interests(session, person, body.to_keys(), at=at))
