"""What routes ask for: a session, the caller, the moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from api.committing import Committer
from geoservices import clock
from geoservices.accounts import service as accounts
from geoservices.accounts.models import Device, Person, Role
from geoservices.accounts.tokens import PREFIXES
from geoservices.database import transaction
from geoservices.errors import Forbidden, Unauthenticated
from geoservices.geofences.live import LiveGeofences
from geoservices.settings import Settings

bearer = HTTPBearer(
    auto_error=False,
    description="A device's token (from POST /v1/devices), a staff member's or manager's (from "
    "`geoservices token`), or a screen's (from the address of its code).",
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def open_session(request: Request) -> Iterator[Session]:
    """One transaction for the request."""
    with transaction(request.app.state.sessions) as session:
        yield session


# Function scope commits before the answer is sent. FastAPI's default, request scope, sends the
# answer first, and a client could then hold a 201 for a row that was never kept.
SessionDep = Annotated[Session, Depends(open_session, scope="function")]


def get_settings(request: Request) -> Settings:
    """The service's settings."""
    settings: Settings = request.app.state.settings
    return settings


def get_live(request: Request) -> LiveGeofences:
    """The geofences this process watches."""
    live: LiveGeofences = request.app.state.live
    return live


def get_committer(request: Request) -> Committer:
    """What commits this process's pings."""
    committer: Committer = request.app.state.committer
    return committer


CommitterDep = Annotated[Committer, Depends(get_committer)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
LiveDep = Annotated[LiveGeofences, Depends(get_live)]
Now = Annotated[datetime, Depends(clock.now)]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds the token: a person, and their device if it is the device's token."""

    person: Person
    device: Device | None


def identify(session: SessionDep, credentials: Credentials, at: Now) -> Caller:
    """Find out whose token it is.

    Raises:
        Unauthenticated: There is none, or it is unknown, expired or revoked.
    """
    token = credentials.credentials if credentials else ""
    if token.startswith(PREFIXES["device"]):
        found = accounts.authenticate_device(session, token)
        if found:
            return Caller(person=found[1], device=found[0])
    elif token.startswith(PREFIXES["access"]):
        member = accounts.authenticate_member(session, token, at=at)
        if member:
            return Caller(person=member, device=None)
    raise Unauthenticated


CallerDep = Annotated[Caller, Depends(identify)]


def identify_optionally(session: SessionDep, credentials: Credentials, at: Now) -> Caller | None:
    """Find out whose token it is, where a route also serves callers with none.

    Raises:
        Unauthenticated: A token was given, and it is unknown, expired or revoked.
    """
    return identify(session, credentials, at) if credentials else None


OptionalCaller = Annotated[Caller | None, Depends(identify_optionally)]


def refuse_devices(caller: OptionalCaller) -> Person | None:
    """Let members through, and callers with no token.

    Raises:
        Forbidden: It is a device's token.
    """
    if caller is None:
        return None
    if caller.device:
        raise Forbidden(
            "A device makes no further devices. Send no token, or a staff member's or manager's."
        )
    return caller.person


def require_device(caller: CallerDep) -> Device:
    """Let only devices through.

    Raises:
        Forbidden: It is a member's token.
    """
    if caller.device is None:
        raise Forbidden("This is for devices. Make one with POST /v1/devices and use its token.")
    return caller.device


def identify_device(request: Request, credentials: Credentials, at: Now) -> Device:
    """Let only devices through, and hold no connection while the route waits for others.

    Raises:
        Unauthenticated: There is no token, or it is unknown, expired or revoked.
        Forbidden: It is a member's token.
    """
    with transaction(request.app.state.sessions) as session:
        return require_device(identify(session, credentials, at))


def require_manager(caller: CallerDep) -> UUID:
    """Let only managers through, and return their organisation's id.

    Raises:
        Forbidden: It is no manager's token.
    """
    organisation_id = caller.person.organisation_id
    is_manager = caller.device is None and caller.person.role == Role.MANAGER
    if not is_manager or organisation_id is None:
        raise Forbidden("This is for managers.")
    return organisation_id


def require_staff(caller: CallerDep) -> Person:
    """Let staff and managers through, with a token of theirs or a device's.

    Raises:
        Forbidden: It is a citizen's token.
    """
    if caller.person.organisation_id is None:
        raise Forbidden("This is for staff.")
    return caller.person


OptionalMember = Annotated[Person | None, Depends(refuse_devices)]
SendingDevice = Annotated[Device, Depends(identify_device)]
CurrentDevice = Annotated[Device, Depends(require_device)]
CurrentStaff = Annotated[Person, Depends(require_staff)]
ManagersOrganisation = Annotated[UUID, Depends(require_manager)]
