"""What routes ask for: a session, the caller, the moment.

FastAPI runs a plain function in a thread, and there and back costs more than what those do that
ask no database. They are `async`, though they wait for nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from api import auditing
from api.committing import Committer
from api.cookies import token_in
from api.csrf import check_csrf
from geoservices import clock
from geoservices.access.actors import Actor, Grant
from geoservices.access.rights import Right, Role
from geoservices.accounts import device_tokens
from geoservices.accounts import service as accounts
from geoservices.accounts.acting import actor_of
from geoservices.accounts.models import Device, Person, SignIn
from geoservices.accounts.tokens import PREFIXES
from geoservices.credentials.second_factor import SecondFactorDemanded
from geoservices.database import transaction
from geoservices.errors import Forbidden, Unauthenticated
from geoservices.files.store import FileStore
from geoservices.geofences.live import LiveGeofences
from geoservices.keys.service import authenticate_key
from geoservices.limiting.limiter import Limiter
from geoservices.scopes import confine, everywhere, open_wide
from geoservices.settings.service import Settings

SIGNING_IN = "signing in"
"""The tag of the routes by which members see to how they sign in."""
bearer = HTTPBearer(
    auto_error=False,
    description="A device's token (from POST /v1/devices), a member's (from `geoservices token`), "
    "a machine's key (from POST /v1/api-keys), or a screen's (from the address of its code).",
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


async def get_settings(request: Request) -> Settings:
    """The service's settings."""
    settings: Settings = request.app.state.settings
    return settings


async def get_live(request: Request) -> LiveGeofences:
    """The geofences this process watches."""
    live: LiveGeofences = request.app.state.live
    return live


async def get_committer(request: Request) -> Committer:
    """What commits this process's pings."""
    committer: Committer = request.app.state.committer
    return committer


async def get_limiter(request: Request) -> Limiter:
    """What counts how often somebody asks."""
    limiter: Limiter = request.app.state.limiter
    return limiter


async def get_store(request: Request) -> FileStore:
    """The store of files."""
    store: FileStore = request.app.state.store
    return store


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


StoreDep = Annotated[FileStore, Depends(get_store)]
LimiterDep = Annotated[Limiter, Depends(get_limiter)]
AddressDep = Annotated[str, Depends(get_address)]
CommitterDep = Annotated[Committer, Depends(get_committer)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
LiveDep = Annotated[LiveGeofences, Depends(get_live)]


async def get_now() -> datetime:
    """The moment the request is asked at."""
    return clock.now()


Now = Annotated[datetime, Depends(get_now)]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds the token; `device` is there if it is the device's own token."""

    actor: Actor
    person: Person | None
    device: Device | None = None
    sign_in: SignIn | None = None
    by_cookie: bool = False

    @property
    def tasks_of(self) -> UUID | None:
        """The organisation whose tasks the caller sees."""
        sees_them = Right.TASKS_READ in self.actor.rights
        return self.actor.organisation_id if sees_them else None


def identify(request: Request, session: SessionDep, credentials: Credentials, at: Now) -> Caller:
    """Find out who asks, and confine the transaction to what is theirs.

    They are known by the token they send, or else by their browser's cookies.

    Raises:
        Unauthenticated: There is no token, or it is unknown, expired or revoked.
        TokenReplayed: It was exchanged for another one before.
        CsrfRefused: There is a cookie, and the request may be another site's.
        SecondFactorDemanded: They must set up a second factor before they do this.
    """
    if "Authorization" in request.headers:
        shown = credentials.credentials if credentials else ""
        caller = caller_of(request, session, shown, at=at)
    else:
        token = _cookie_of(request)
        if token is None:
            raise Unauthenticated
        caller = replace(caller_of(request, session, token, at=at), by_cookie=True)
        check_csrf(request, token)
    if caller.sign_in and caller.sign_in.enrolling and not _is_about_the_sign_in(request):
        raise SecondFactorDemanded
    return caller


def caller_of(request: Request, session: Session, token: str, *, at: datetime) -> Caller:
    """Find out whose token it is, and confine the transaction to what is theirs.

    Raises:
        Unauthenticated: It is unknown, expired or revoked.
        TokenReplayed: It was exchanged for another one before.
    """
    with everywhere(session):
        caller = _holder_of(request, session, token, at=at)
    actor = caller.actor
    confine(session, organisation_id=actor.organisation_id, person_id=actor.person_id)
    return caller


def _holder_of(request: Request, session: Session, token: str, *, at: datetime) -> Caller:
    if token.startswith(PREFIXES["device"]):
        settings: Settings = request.app.state.settings
        overlap = settings.devices.token_overlap
        carried = device_tokens.authenticate_device(session, token, overlap=overlap, at=at)
        if carried:
            device, person = carried
            actor = actor_of(person, device_id=device.id)
            return Caller(actor=actor, person=person, device=device)
    elif token.startswith(PREFIXES["access"]):
        signed_in = accounts.authenticate_member(session, token, at=at)
        if signed_in:
            sign_in, person = signed_in
            actor = actor_of(person, sign_in_id=sign_in.id)
            return Caller(actor=actor, person=person, sign_in=sign_in)
    elif token.startswith(PREFIXES["key"]):
        machine = authenticate_key(session, token, at=at)
        if machine:
            return Caller(actor=machine, person=None)
    raise Unauthenticated


def calls_of(dependant: Dependant) -> Iterator[Callable[..., object]]:
    """Yield whatever a route depends on, however indirectly."""
    for inner in dependant.dependencies:
        if inner.call is not None:
            yield inner.call
        yield from calls_of(inner)


def _cookie_of(request: Request) -> str | None:
    """Return what the cookie holds that a route goes by.

    A route that asks for a device is meant for whoever holds the browser; any other is for the
    member, if one is signed in there.
    """
    device, member = token_in(request, "device"), token_in(request, "member")
    if device is None or member is None:
        return device or member
    asked_for = set(calls_of(request.scope["route"].dependant))
    return device if asked_for & {require_device, identify_device} else member


def _is_about_the_sign_in(request: Request) -> bool:
    """Tell whether a route is for signing out, or for setting up a second factor and the like."""
    asked_for = set(calls_of(request.scope["route"].dependant))
    return bool(asked_for & {require_sign_in, identify_sign_in})


CallerDep = Annotated[Caller, Depends(identify)]


def identify_optionally(
    request: Request, session: SessionDep, credentials: Credentials, at: Now
) -> Caller | None:
    """Find out who asks, where a route also serves callers with no token.

    A device's cookie that is worthless counts as none: no script of the page could drop it. A
    member's does not, or they would go on as somebody they are not.

    Raises:
        Unauthenticated: A token was given, and it is unknown, expired or revoked.
        TokenReplayed: It was exchanged for another one before.
        CsrfRefused: There is a cookie, and the request may be another site's.
    """
    if "Authorization" in request.headers:
        return identify(request, session, credentials, at) if credentials else None
    try:
        return identify(request, session, credentials, at)
    except Unauthenticated:
        if token_in(request, "member"):
            raise
        return None


OptionalCaller = Annotated[Caller | None, Depends(identify_optionally)]


async def require_person(caller: CallerDep) -> Person:
    """Let only people through, by a device or signed in.

    Raises:
        Forbidden: It is a machine's key.
    """
    if caller.person is None:
        raise Forbidden("This is for people. A machine has nothing of the kind.")
    return caller.person


def require_sign_in(caller: CallerDep) -> SignIn:
    """Let only those through who signed in.

    Raises:
        Forbidden: It is a device's token, or a machine's key.
    """
    if caller.sign_in is None:
        raise Forbidden("This is for members who signed in. Use POST /v1/sign-in.")
    return caller.sign_in


def identify_sign_in(request: Request, credentials: Credentials, at: Now) -> SignIn:
    """Let only those through who signed in, and hold no connection while a password is hashed.

    Raises:
        Unauthenticated: There is no token, or it is unknown, expired or revoked.
        CsrfRefused: There is a cookie, and the request may be another site's.
        Forbidden: It is a device's token, or a machine's key.
    """
    with transaction(request.app.state.sessions) as session:
        return require_sign_in(identify(request, session, credentials, at))


def refuse_devices(caller: OptionalCaller) -> Person | None:
    """Let members through, and callers with no token or with a device's cookie alone.

    Raises:
        Forbidden: It is a device's token, a machine's key, or an auditor's.
    """
    if caller is None or (caller.device and caller.by_cookie):
        return None
    if caller.device or caller.person is None:
        raise Forbidden(
            "A device makes no further devices. Send no token, or one that a member signed in for."
        )
    if caller.actor.role is Role.AUDITOR:
        raise Forbidden("An auditor reads, and has no devices.")
    return caller.person


def find_browsers_device(request: Request, session: SessionDep, at: Now) -> Device | None:
    """Find out which device the browser is already, where it asks by its cookies.

    The transaction stays the caller's, who may be a member with another device than theirs.

    Raises:
        TokenReplayed: Its token was exchanged for another one before.
        CsrfRefused: The request may be another site's.
    """
    token = token_in(request, "device")
    if token is None or "Authorization" in request.headers:
        return None
    try:
        with everywhere(session):
            caller = _holder_of(request, session, token, at=at)
    except Unauthenticated:
        return None
    check_csrf(request, token)
    return caller.device


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
        CsrfRefused: There is a cookie, and the request may be another site's.
        Forbidden: It is another token than a device's.
    """
    with transaction(request.app.state.sessions) as session:
        return require_device(identify(request, session, credentials, at))


@dataclass(frozen=True, slots=True)
class Needs:
    """Lets through whoever has a right; what a route asks for stands in its signature."""

    right: Right

    async def __call__(
        self,
        request: Request,
        response: Response,
        session: SessionDep,
        caller: CallerDep,
        at: Now,
    ) -> Grant:
        """Return what lets the caller do it in their organisation, and see that it is logged.

        Raises:
            Forbidden: They may not.
        """
        auditing.note_at_the_end(
            session, request, response, actor=caller.actor, right=self.right, at=at
        )
        return caller.actor.granted(self.right)


BrowsersDevice = Annotated[Device | None, Depends(find_browsers_device)]
OptionalMember = Annotated[Person | None, Depends(refuse_devices)]
SendingDevice = Annotated[Device, Depends(identify_device)]
CurrentDevice = Annotated[Device, Depends(require_device)]
CurrentSignIn = Annotated[SignIn, Depends(require_sign_in)]
HashingSignIn = Annotated[SignIn, Depends(identify_sign_in)]
CurrentPerson = Annotated[Person, Depends(require_person)]
