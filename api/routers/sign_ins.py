"""Members sign in and out, and see where they are signed in."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from api.bodies import StrictRoute
from api.cookies import drop_member, give_member, give_pass, token_in
from api.csrf import CsrfRefused, csrf_token_after, refuse_other_sites
from api.dependencies import (
    SIGNING_IN,
    AddressDep,
    CallerDep,
    CurrentSignIn,
    Now,
    SessionDep,
    SettingsDep,
)
from api.hashing import DeskDep, HashingDep
from api.oidc import ProvidersDep
from api.problems import Unavailable, problem_responses
from api.replacing import end_sign_in_before
from api.schemas.sign_ins import SignedInOut, SignInIn, SignInOut, SignOutOut, sign_out_out
from geoservices.accounts import queries
from geoservices.accounts.models import SignIn
from geoservices.audit import service as audit
from geoservices.credentials import service
from geoservices.credentials.attempts import TooManyAttempts
from geoservices.credentials.second_factor import SecondFactorNeeded, SecondFactorRefused
from geoservices.credentials.service import Given, SignedIn, SignInRefused
from geoservices.errors import NotFound
from geoservices.limiting.limiter import TooManyRequests
from geoservices.oidc.service import provider_of

log = structlog.get_logger()

router = APIRouter(tags=[SIGNING_IN], route_class=StrictRoute)

LONGEST_LABEL = 200
REFUSALS = (
    SignInRefused,
    SecondFactorNeeded,
    SecondFactorRefused,
    TooManyAttempts,
    TooManyRequests,
)
"""How an attempt to sign in may end other than well."""


@router.post(
    "/sign-in",
    status_code=201,
    responses=problem_responses(
        SignInRefused,
        SecondFactorNeeded,
        SecondFactorRefused,
        TooManyAttempts,
        CsrfRefused,
        Unavailable,
    ),
)
async def sign_in(
    body: SignInIn,
    request: Request,
    response: Response,
    desk: DeskDep,
    hashing: HashingDep,
    at: Now,
    address: AddressDep,
) -> SignedInOut:
    """Sign in with a username and a password, and a code if the account asks for one.

    With `cookie` a browser is signed in by a cookie that no script reads; with `bearer` the answer
    holds a token. Both are new each time. They end after 12 h, or when they were not used for 2 h,
    unless the service's settings say otherwise.
    """
    refuse_other_sites(request)
    given = Given(
        username=body.username,
        password=body.password,
        code=body.code,
        shown=token_in(request, "pass"),
        label=_label(request),
        address=address,
    )
    try:
        made = await hashing.run(service.sign_in, desk, given, at=at)
    except REFUSALS as error:
        # Neither the name, which may be a password typed in the wrong field, nor whose it is.
        log.warning("sign_in_refused", reason=error.code, with_code=body.code is not None)
        raise
    if body.credential == "cookie":
        await run_sync(partial(end_sign_in_before, request, at=at))
        return _by_cookie(made, request, response, desk.settings.sign_in.lifetime)
    return _signed_in(made, token=made.token, csrf_token=None)


@router.delete("/sign-in")
def sign_out(
    caller: CallerDep,
    sign_in: CurrentSignIn,
    session: SessionDep,
    settings: SettingsDep,
    providers: ProvidersDep,
    response: Response,
    at: Now,
) -> SignOutOut:
    """Sign out here: the token or cookie is worthless at once.

    Whoever signed in by an identity provider is signed in there still. A browser that goes on to
    `end_at` signs out there as well.
    """
    queries.end_sign_ins(session, sign_in.person_id, only=sign_in.id, at=at)
    audit.record(session, caller.actor, "sign_out", "sign-in", sign_in.id)
    drop_member(response, settings)
    return sign_out_out(provider_of(session, providers, sign_in))


@router.get("/sign-ins")
def list_sign_ins(sign_in: CurrentSignIn, session: SessionDep, at: Now) -> list[SignInOut]:
    """See where you are signed in, the one used last first."""
    return [
        _sign_in(one, current=one.id == sign_in.id)
        for one in queries.sign_ins_of(session, sign_in.person_id, at=at)
    ]


@router.delete("/sign-ins", status_code=204)
def sign_out_elsewhere(
    caller: CallerDep, sign_in: CurrentSignIn, session: SessionDep, at: Now
) -> Response:
    """Sign out everywhere but here."""
    queries.end_sign_ins(session, sign_in.person_id, but=sign_in.id, at=at)
    audit.record(session, caller.actor, "sign_out_elsewhere", "person", sign_in.person_id)
    return Response(status_code=204)


@router.delete("/sign-ins/{sign_in_id}", status_code=204, responses=problem_responses(NotFound))
def end_sign_in(
    sign_in_id: UUID, caller: CallerDep, sign_in: CurrentSignIn, session: SessionDep, at: Now
) -> Response:
    """Sign out in one place; what is not yours, or has ended, is not found."""
    if not queries.end_sign_ins(session, sign_in.person_id, only=sign_in_id, at=at):
        raise NotFound("sign-in")
    audit.record(session, caller.actor, "end_sign_in", "sign-in", sign_in_id)
    return Response(status_code=204)


def _by_cookie(
    made: SignedIn, request: Request, response: Response, lifetime: timedelta
) -> SignedInOut:
    settings = request.app.state.settings
    give_member(response, made.token, settings, lifetime)
    give_pass(response, made.browser_pass, settings)
    return _signed_in(made, token=None, csrf_token=csrf_token_after(request, member=made.token))


def _signed_in(made: SignedIn, *, token: str | None, csrf_token: str | None) -> SignedInOut:
    return SignedInOut(
        sign_in=_sign_in(made.sign_in, current=True),
        token=token,
        csrf_token=csrf_token,
        second_factor_demanded=made.sign_in.enrolling,
    )


def _sign_in(sign_in: SignIn, *, current: bool) -> SignInOut:
    return SignInOut.model_validate({**_columns(sign_in), "current": current})


def _columns(sign_in: SignIn) -> dict[str, object]:
    names = SignInOut.model_fields.keys() - {"current"}
    return {name: getattr(sign_in, name) for name in names}


def _label(request: Request) -> str:
    """Return what the program calls itself."""
    told = request.headers.get("User-Agent", "")
    return "".join(c for c in told if c.isprintable())[:LONGEST_LABEL] or "an unknown program"
