"""The ways by which a person is told."""

from fastapi import APIRouter

from api.bodies import StrictRoute
from api.dependencies import CurrentPerson, SessionDep, SettingsDep
from api.problems import problem_responses
from api.schemas.channels import ChannelsIn, ChannelsOut
from geoservices import pipeline
from geoservices.accounts.models import Purpose
from geoservices.channels import service
from geoservices.channels.service import Choice
from geoservices.errors import Forbidden
from geoservices.letters import addresses
from geoservices.letters.addresses import EmailNotConfirmed, EmailUnavailable

router = APIRouter(tags=["channels"], route_class=StrictRoute)


@router.get("/channels")
def list_channels(
    person: CurrentPerson, session: SessionDep, settings: SettingsDep
) -> list[ChannelsOut]:
    """See by which ways the person is told, for every purpose; the inbox has everything."""
    possible = addresses.is_possible(session, person.id, settings)
    return [_told(one, possible=possible) for one in service.choices(session, person)]


@router.put(
    "/channels/{purpose}",
    responses=problem_responses(EmailNotConfirmed, EmailUnavailable, Forbidden),
)
def choose_channels(
    purpose: Purpose,
    body: ChannelsIn,
    person: CurrentPerson,
    session: SessionDep,
    settings: SettingsDep,
) -> ChannelsOut:
    """Choose the ways for one purpose. Whether anything is sent for it, the consent says."""
    choice = Choice(purpose=purpose, push=body.push, email=body.email)
    pipeline.choose_channels(session, person, choice, settings=settings)
    possible = addresses.is_possible(session, person.id, settings)
    return _told(choice, possible=possible)


def _told(choice: Choice, *, possible: bool) -> ChannelsOut:
    return ChannelsOut(
        purpose=choice.purpose, push=choice.push, email=choice.email, email_possible=possible
    )
