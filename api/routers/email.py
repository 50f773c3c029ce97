"""A person's e-mail address, and the links in letters."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse

from api.bodies import StrictRoute
from api.dependencies import CurrentPerson, Now, SessionDep, SettingsDep, WideSession
from api.problems import problem_responses
from api.schemas.channels import EmailConfirmationIn, EmailIn, EmailOut, email_out
from geoservices.accounts.service import ConsentMissing
from geoservices.errors import NotFound
from geoservices.letters import addresses
from geoservices.letters.addresses import (
    EmailTokenRefused,
    EmailUnavailable,
    TooManyConfirmations,
)
from geoservices.mail.addresses import AddressRefused

router = APIRouter(tags=["channels"], route_class=StrictRoute)

EMAIL_PAGE = "/email"
STOP = "stop="
"""What begins behind the page's `#` if it is about getting no more letters."""

UnsubscribeToken = Annotated[str, Query(max_length=100, description="As it stands in the letter")]


@router.get("/email", responses=problem_responses(NotFound))
def read_email(person: CurrentPerson, session: SessionDep) -> EmailOut:
    """See the person's e-mail address, and whether letters reach it."""
    return email_out(addresses.get_address(session, person.id))


@router.put(
    "/email",
    responses=problem_responses(
        AddressRefused, ConsentMissing, EmailUnavailable, TooManyConfirmations
    ),
)
def set_email(
    body: EmailIn, person: CurrentPerson, session: SessionDep, settings: SettingsDep, at: Now
) -> EmailOut:
    """Give an address; the link in a letter to it confirms that it is the person's.

    For an address that is confirmed this sets the hour. For one that is not it sends another
    letter, a minute after the one before at the earliest, and five a day.
    """
    address = addresses.set_address(
        session,
        person,
        body.address,
        digest_at=body.digest_at,
        settings=settings,
        at=at,
    )
    return email_out(address)


@router.delete("/email", status_code=204)
def remove_email(person: CurrentPerson, session: SessionDep) -> Response:
    """Take the address away, and e-mail off for every purpose."""
    addresses.remove_address(session, person.id)
    return Response(status_code=204)


@router.post("/email/confirmation", status_code=204, responses=problem_responses(EmailTokenRefused))
def confirm_email(body: EmailConfirmationIn, session: WideSession, at: Now) -> Response:
    """Confirm an address with what stood in the link of the letter to it, once."""
    addresses.confirm(session, body.token, at=at)
    return Response(status_code=204)


@router.get("/email/unsubscribe", status_code=303, response_class=RedirectResponse)
def open_unsubscribe(token: UnsubscribeToken) -> RedirectResponse:
    """Be led to a page that asks whether to get no more letters. Opening it changes nothing."""
    return RedirectResponse(f"{EMAIL_PAGE}#{STOP}{quote(token)}", HTTPStatus.SEE_OTHER)


@router.post("/email/unsubscribe", status_code=204, responses=problem_responses(EmailTokenRefused))
def unsubscribe_from_email(
    token: UnsubscribeToken,
    session: WideSession,
    settings: SettingsDep,
) -> Response:
    """Get no more letters: e-mail is off for every purpose. Programs of mail post here (RFC 8058).

    Whatever the body says is passed over. Doing it again changes nothing.
    """
    addresses.unsubscribe(session, token, settings=settings)
    return Response(status_code=204)
