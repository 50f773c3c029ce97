"""OwnTracks: the door for its messages, and what it is told to watch."""

from typing import Annotated, Any

from fastapi import APIRouter, Body

from api.bodies import StrictRoute
from api.dependencies import LiveDep, Now, SessionDep, SettingsDep
from api.phone_access import OwnTracksPhone
from api.protocols import conversation
from api.protocols.taking import take_in
from geoservices.phones.models import PhoneApp

router = APIRouter(tags=["phones"], route_class=StrictRoute)

Message = Annotated[
    Any,
    Body(
        description="One message as https://owntracks.org/booklet/tech/json/ has it, encrypted or "
        "not; an empty body is taken and says nothing.",
        json_schema_extra={"type": "object"},
    ),
]
Messages = list[dict[str, Any]] | dict[str, Any]


@router.post("/owntracks")
def receive_owntracks(
    phone: OwnTracksPhone,
    session: SessionDep,
    live: LiveDep,
    settings: SettingsDep,
    at: Now,
    body: Message = None,
) -> Messages:
    """Take in a message of OwnTracks in HTTP mode.

    A readable message is answered with 200 whatever it says, which makes the phone forget it:
    one that can never be taken in would block its queue. The answer holds cards of the places the
    device is at, and commands when the places to watch have changed. To an encrypted message it
    is encrypted too.
    """
    opened = conversation.open_message(body, phone, settings.phones)
    taken = take_in(
        session, phone, PhoneApp.OWNTRACKS, opened.said, live=live, settings=settings, at=at
    )
    return conversation.reply(session, phone, opened, taken, settings=settings.phones, at=at)
