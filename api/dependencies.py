"""What routes ask for: a session, the caller, the moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from api.committing import Committer
from geoservices import clock
from geoservices.access.actors import Actor, Grant
from geoservices.access.rights import Right
from geoservices.accounts import service as accounts
from geoservices.accounts.acting import actor_of
from geoservices.accounts.models import Device, Person
from geoservices.accounts.tokens import PREFIXES
from geoservices.database import transaction
from geoservices.errors import Forbidden, Unauthenticated
from geoservices.geofences.live import LiveGeofences
from geoservices.limiting.limiter import Limiter
from geoservices.scopes import confine, everywhere, open_wide
from geoservices.settings import Settings

bearer = HTTPBearer(
    auto_error=False,
    description="A device's token (from POST /v1/devices), a member's (from `geoservices token`), "
    "or a screen's (from the address of its code).",
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def open_session(request: Request) -> Iterator[Session]:
    """One transaction for the request; until `identify` knows for whom, it sees nothing."""
    with transaction(request.app.state.sessions) as session:
        yield session


# Function scope commits before the answer is sent. FastAPI's default, request scope, sends the
# answer first, and a client could then hold a 201 for a row that was never kept.
SessionDep = Annotated[Session, Depends(open_session, scope="function")]


def open_session_wide(session: SessionDep) -> Session:
    """One transaction that sees everything, where a secret in the body or path is the credential.

    Every route that asks for it is named in a test.
    """
    open_wide(session)
    return session


WideSession = Annotated[Session, Depends(open_session_wide)]


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


def get_limiter(request: Request) -> Limiter:
    """What counts how often somebody asks."""
    limiter: Limiter = request.app.state.limiter
    return limiter


def get_address(request: Request) -> str:
    """Where the request comes from, as far as one client can be told from another by it.

    Whoever has an address of IPv6 has 2^64 of them (RFC 6177), and counts as one.
    """
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else host  # noqa: PLR2004


LimiterDep = Annotated[Limiter, Depends(get_limiter)]
AddressDep = Annotated[str, Depends(get_address)]
CommitterDep = Annotated[Committer, Depends(get_committer)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
LiveDep = Annotated[LiveGeofences, Depends(get_live)]
Now = Annotated[datetime, Depends(clock.now)]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds the token; `device` is there if it is the device's own token."""

    actor: Actor
    person: Person | None
    device: Device | None = None

    @property
    def tasks_of(self) -> UUID | None:
        """The organisation whose tasks the caller sees."""
        sees_them = Right.TASKS_READ in self.actor.rights
        return self.actor.organisation_id if sees_them else None


def identify(session: SessionDep, credentials: Credentials, at: Now) -> Caller:
    """Find out whose token it is, and confine the transaction to what is theirs.

    Raises:
        Unauthenticated: There is none, or it is unknown, expired or revoked.
    """
    return caller_of(session, credentials.credentials if credentials else "", at=at)


def caller_of(session: Session, token: str, *, at: datetime) -> Caller:
    """Find out whose token it is, and confine the transaction to what is theirs.

    Raises:
        Unauthenticated: It is unknown, expired or revoked.
    """
    with everywhere(session):
        caller = _holder_of(session, token, at=at)
    actor = caller.actor
    confine(session, organisation_id=actor.organisation_id, person_id=actor.person_id)
    return caller


def _holder_of(session: Session, token: str, *, at: datetime) -> Caller:
    if token.startswith(PREFIXES["device"]):
        carried = accounts.authenticate_device(session, token)
        if carried:
            device, person = carried
            actor = actor_of(person, device_id=device.id)
            return Caller(actor=actor, person=person, device=device)
    elif token.startswith(PREFIXES["access"]):
        signed_in = accounts.authenticate_member(session, token, at=at)
        if signed_in:
            sign_in, person = signed_in
            actor = actor_of(person, sign_in_id=sign_in.id)
            return Caller(actor=actor, person=person)
    raise Unauthenticated


CallerDep = Annotated[Caller, Depends(identify)]


def identify_optionally(session: SessionDep, credentials: Credentials, at: Now) -> Caller | None:
    """Find out whose token it is, where a route also serves callers with none.

    Raises:
        Unauthenticated: A token was given, and it is unknown, expired or revoked.
    """
    return identify(session, credentials, at) if credentials else None


OptionalCaller = Annotated[Caller | None, Depends(identify_optionally)]


def require_person(caller: CallerDep) -> Person:
    """Let only people through, by a device or signed in.

    Raises:
        Forbidden: It is a machine's key.
    """
    if caller.person is None:
        raise Forbidden("This is for people. A machine has nothing of the kind.")
    return caller.person


def refuse_devices(caller: OptionalCaller) -> Person | None:
    """Let members through, and callers with no token.

    Raises:
        Forbidden: It is a device's token, or a machine's key.
    """
    if caller is None:
        return None
    if caller.device or caller.person is None:
        raise Forbidden(
            "A device makes no further devices. Send no token, or one that a member signed in for."
        )
    return caller.person


def require_device(caller: CallerDep) -> Device:
    """Let only devices through.

    Raises:
        Forbidden: It is another token than a device's.
    """
    if caller.device is None:
        raise Forbidden("This is for devices. Make one with POST /v1/devices and use its token.")
    return caller.device


def identify_device(request: Request, credentials: Credentials, at: Now) -> Device:
    """Let only devices through, and hold no connection while the route waits for others.

    Raises:
        Unauthenticated: There is no token, or it is unknown, expired or revoked.
        Forbidden: It is another token than a device's.
    """
    with transaction(request.app.state.sessions) as session:
        return require_device(identify(session, credentials, at))


@dataclass(frozen=True, slots=True)
class Needs:
    """Lets through whoever has a right; what a route asks for stands in its signature."""

    right: Right

    def __call__(self, caller: CallerDep) -> Grant:
        """Return what lets the caller do it in their organisation.

        Raises:
            Forbidden: They may not.
        """
        return caller.actor.granted(self.right)


OptionalMember = Annotated[Person | None, Depends(refuse_devices)]
SendingDevice = Annotated[Device, Depends(identify_device)]
CurrentDevice = Annotated[Device, Depends(require_device)]
CurrentPerson = Annotated[Person, Depends(require_person)]
