"""What a browser's cookies stand for, kept in order while its pages are looked at."""

from datetime import datetime

from fastapi import Request, Response
from sqlalchemy.orm import Session

from api.cookies import drop_device, drop_member, give_device, token_in
from api.csrf import make_csrf_token
from api.schemas.accounts import (
    BrowserOut,
    BrowsersDeviceOut,
    BrowsersMemberOut,
    OrganisationOut,
)
from geoservices.accounts import device_tokens, queries, service
from geoservices.accounts.acting import actor_of
from geoservices.accounts.device_tokens import TokenReplayed, revoke_replayed
from geoservices.accounts.models import Device, Person, SignIn
from geoservices.settings.service import Settings


def read_browser(
    request: Request, response: Response, session: Session, *, at: datetime
) -> BrowserOut:
    """Return who a browser is; cookies that are worthless or have served their time are replaced.

    Args:
        request: The browser's.
        response: What sets its cookies.
        session: Its transaction keeps exchanged tokens.
        at: Now.
    """
    settings: Settings = request.app.state.settings
    device, device_token = _read_device(request, response, session, settings, at)
    member, member_token = _read_member(request, response, session, settings, at)
    return BrowserOut(
        device=device and BrowsersDeviceOut.model_validate(device),
        member=member and _member(session, *member),
        csrf_token=make_csrf_token(settings, device_token, member_token),
    )


def _read_device(
    request: Request, response: Response, session: Session, settings: Settings, at: datetime
) -> tuple[Device | None, str | None]:
    """Return the device, and the token that the browser has after the answer."""
    token = token_in(request, "device")
    if token is None:
        return None, None
    try:
        found = device_tokens.authenticate_device(
            session, token, overlap=settings.devices.token_overlap, at=at
        )
    except TokenReplayed as replayed:
        revoke_replayed(session, replayed.device_id, at=at)
        found = None
    if found is None:
        drop_device(response, settings)
        return None, None
    device, _person = found
    following = device_tokens.make_next_token_if_due(
        session, device, settings=settings.devices, at=at
    )
    # Only then: of two answers the later one would else bring back the token of before.
    if following:
        give_device(response, following, settings)
    return device, following or token


def _read_member(
    request: Request, response: Response, session: Session, settings: Settings, at: datetime
) -> tuple[tuple[SignIn, Person] | None, str | None]:
    """Return the member with their sign-in, and the token that the browser has after the answer."""
    token = token_in(request, "member")
    if token is None:
        return None, None
    found = service.authenticate_member(session, token, at=at)
    if found is None:
        drop_member(response, settings)
        return None, None
    return found, token


def _member(session: Session, sign_in: SignIn, person: Person) -> BrowsersMemberOut:
    actor = actor_of(person, sign_in_id=sign_in.id)
    # Whoever signs in is a member, and a member belongs to an organisation.
    assert person.organisation_id is not None  # noqa: S101
    organisation = queries.organisation_by_id(session, person.organisation_id)
    return BrowsersMemberOut(
        id=person.id,
        name=person.name,
        role=actor.role,
        organisation=OrganisationOut.model_validate(organisation),
        rights=sorted(actor.rights),
        signed_in_until=sign_in.expires_at,
    )
