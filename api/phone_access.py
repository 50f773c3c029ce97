"""Who speaks, where other people's apps speak: each brings its credential in its own way."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import (
    APIKeyQuery,
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
)
from sqlalchemy.orm import Session

from api.dependencies import Credentials, Now, SessionDep, caller_of, require_device
from api.protocols.setup import username
from geoservices.accounts.tokens import PREFIXES
from geoservices.errors import Unauthenticated
from geoservices.phones.models import PhoneApp
from geoservices.phones.service import Phone, authenticate_phone
from geoservices.scopes import confine, everywhere

basic = HTTPBasic(
    auto_error=False,
    description="A device's id and a token: an app's (from POST /v1/devices/me/phone-links) or "
    "the device's own.",
)
phone_id = APIKeyQuery(
    name="id",
    auto_error=False,
    description="A token made for Traccar Client (POST /v1/devices/me/phone-links); also taken "
    "from a form or a JSON body.",
)
BasicCredentials = Annotated[HTTPBasicCredentials | None, Depends(basic)]


def identify_owntracks(
    request: Request,
    session: SessionDep,
    by_name: BasicCredentials,
    bearer: Credentials,
    at: Now,
) -> Phone:
    """Find out whose phone OwnTracks runs on.

    Raises:
        Unauthenticated: There is no token, it is worthless, or the name is another device's.
        TokenReplayed: It was exchanged for another one before.
        Forbidden: It is a member's.
    """
    given = (
        HTTPAuthorizationCredentials(scheme="Bearer", credentials=by_name.password)
        if (by_name)
        else bearer
    )
    phone = _identify(request, session, given, PhoneApp.OWNTRACKS, at)
    if by_name and by_name.username.replace("-", "").lower() != username(phone.device):
        raise Unauthenticated(
            "The name is another device's than the password. Scan the code again."
        )
    return phone


def identify_overland(request: Request, session: SessionDep, bearer: Credentials, at: Now) -> Phone:
    """Find out whose phone Overland runs on.

    Raises:
        Unauthenticated: There is no token, or it is worthless.
        TokenReplayed: It was exchanged for another one before.
        Forbidden: It is a member's.
    """
    return _identify(request, session, bearer, PhoneApp.OVERLAND, at)


def identify_by_id(session: Session, token: str) -> Phone:
    """Find out whose phone Traccar Client runs on; a device's own token does not belong in a URL.

    Raises:
        Unauthenticated: There is no id, or it is worthless.
    """
    phone = _phone_of(session, token, PhoneApp.TRACCAR)
    if phone is None:
        raise Unauthenticated("The id must be a token made for this app, and still be valid.")
    return phone


def _identify(
    request: Request, session: Session, given: Credentials, app: PhoneApp, at: Now
) -> Phone:
    token = given.credentials if given else ""
    if token.startswith(PREFIXES["phone"]):
        phone = _phone_of(session, token, app)
        if phone is None:
            raise Unauthenticated
        return phone
    return Phone(device=require_device(caller_of(request, session, token, at=at)), token=token)


def _phone_of(session: Session, token: str, app: PhoneApp) -> Phone | None:
    """Return who speaks by an app's token, and confine the transaction to what is theirs."""
    with everywhere(session):
        phone = authenticate_phone(session, token, app=app)
    if phone is not None:
        confine(session, organisation_id=None, person_id=phone.device.person_id)
    return phone


OwnTracksPhone = Annotated[Phone, Depends(identify_owntracks)]
OverlandPhone = Annotated[Phone, Depends(identify_overland)]
PhoneId = Annotated[str | None, Depends(phone_id)]
