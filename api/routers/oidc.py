"""Signing in and out with an organisation's identity provider (OpenID Connect)."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.cookies import give_member
from api.csrf import OURS
from api.dependencies import AddressDep, LimiterDep, Now, SettingsDep, WideSession
from api.oidc import (
    LogoutTokenRefused,
    PendingDep,
    ProviderDep,
    ProvidersDep,
    drop_pending,
    keep_pending,
    let_in,
    logout_token_in,
    noting_refusals,
)
from api.problems import Unavailable, problem_responses
from api.readable import ReadableRoute
from api.replacing import end_sign_in_before
from api.schemas.oidc import ProviderOut, SignedOut, provider_out
from geoservices.errors import NotFound
from geoservices.limiting.limiter import Limit
from geoservices.oidc import pending, service
from geoservices.oidc.refusals import (
    NoRole,
    ProviderUnavailable,
    ReturnRefused,
    SignInDeclined,
    SignInDisabled,
    SignInNotBegun,
    TokenRefused,
)

router = APIRouter(tags=["sign-in"], route_class=ReadableRoute)

Responses = dict[int | str, dict[str, Any]]

FRONT_DOOR = "/sign-in"
"""The page on which people choose how to sign in."""
ELSEWHERE: Responses = {302: {"description": "Go there.", "content": {}}}
BACK: Responses = {303: {"description": "Signed in; go back to `return_to`.", "content": {}}}

ReturnTo = Annotated[
    str,
    Query(description="A path of this service, where the browser goes once it is signed in"),
]
Code = Annotated[str | None, Query(max_length=4096, description="What is redeemed")]
State = Annotated[str | None, Query(max_length=200, description="As it was at the start")]
Issuer = Annotated[str | None, Query(max_length=500, description="Who answers (RFC 9207)")]
LogoutForm = Annotated[
    Any,
    Body(
        media_type="application/x-www-form-urlencoded",
        description="A form, as section 2.5 of OpenID Connect Back-Channel Logout 1.0 has it",
        json_schema_extra={
            "type": "object",
            "properties": {"logout_token": {"type": "string"}},
            "required": ["logout_token"],
        },
    ),
]


@router.get("/oidc")
def list_providers(providers: ProvidersDep) -> list[ProviderOut]:
    """List the identity providers that members can sign in with; none where there are none."""
    return [provider_out(provider) for provider in providers.values()]


@router.get(
    "/oidc/{provider}/start",
    status_code=302,
    response_class=Response,
    responses=ELSEWHERE | problem_responses(NotFound, ReturnRefused, ProviderUnavailable),
)
def start_sign_in(
    request: Request,
    provider: ProviderDep,
    settings: SettingsDep,
    at: Now,
    return_to: ReturnTo = FRONT_DOOR,
) -> Response:
    """Send the browser to the provider. It has ten minutes to come back.

    The browser keeps a sealed cookie meanwhile; the sign-in that was begun last counts. Whoever is
    led here by another site gets no further than the front door, where they can choose to sign in.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in OURS:
        return RedirectResponse(FRONT_DOOR, 302)
    begun = pending.begin(provider.settings.slug, return_to=return_to, at=at)
    with noting_refusals(provider):
        response = RedirectResponse(provider.address_for(begun), 302)
    keep_pending(response, begun, settings)
    return response


@router.get(
    "/oidc/{provider}/callback",
    status_code=303,
    response_class=Response,
    responses=BACK
    | problem_responses(
        NotFound,
        SignInNotBegun,
        SignInDeclined,
        TokenRefused,
        NoRole,
        SignInDisabled,
        ProviderUnavailable,
        Unavailable,
    ),
)
def finish_sign_in(
    request: Request,
    provider: ProviderDep,
    begun: PendingDep,
    settings: SettingsDep,
    limiter: LimiterDep,
    address: AddressDep,
    at: Now,
    code: Code = None,
    state: State = None,
    iss: Issuer = None,
) -> Response:
    """Come back from the provider, and be signed in. Each answer of the provider counts once."""
    limiter.spend(Limit.PROVIDER_BY_ADDRESS, address)
    token = let_in(request, provider, begun, code=code, iss=iss, at=at)
    end_sign_in_before(request, at=at)
    response = RedirectResponse(begun.return_to, 303)
    give_member(response, token, settings, settings.oidc.sign_in_lifetime)
    drop_pending(response, settings)
    return response


@router.get(
    "/oidc/{provider}/end",
    status_code=302,
    response_class=Response,
    responses=ELSEWHERE | problem_responses(NotFound, ProviderUnavailable),
)
def end_provider_session(provider: ProviderDep, settings: SettingsDep) -> Response:
    """Send the browser to where it signs out of the provider, after it signed out here.

    A provider without such an address leaves the browser at our own front door. Nothing changes
    here by it.
    """
    door = f"{settings.public_url}{FRONT_DOOR}"
    with noting_refusals(provider):
        return RedirectResponse(provider.end_address(return_to=door) or FRONT_DOOR, 302)


@router.post(
    "/oidc/{provider}/logout",
    responses=problem_responses(NotFound, LogoutTokenRefused, ProviderUnavailable),
)
def log_out_by_provider(
    body: LogoutForm, provider: ProviderDep, session: WideSession, at: Now
) -> SignedOut:
    """Be told by the provider that it signed somebody out; their sign-ins by it end here too.

    200 also where nobody was signed in. What failed to be checked for want of the provider's keys
    may be sent again.
    """
    try:
        with noting_refusals(provider):
            logout = provider.read_logout_token(logout_token_in(body), at=at)
            ended = service.log_out(session, provider.settings, logout, at=at)
    except TokenRefused as error:
        raise LogoutTokenRefused from error
    return SignedOut(ended=len(ended))
