"""What the routes of identity providers share: who is named, and what is under way."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qs

import structlog
from fastapi import Depends, Request, Response

from api.dependencies import Now, SettingsDep
from api.problems import HttpRefusal
from geoservices.errors import NotFound
from geoservices.oidc import pending, service
from geoservices.oidc.pending import LIFETIME, PendingSignIn
from geoservices.oidc.provider import Provider
from geoservices.oidc.refusals import ProviderRefusal, SignInDeclined
from geoservices.settings.service import Settings

log = structlog.get_logger()

MAX_LOGOUT_BYTES = 65_536
"""A logout token is a few hundred bytes long."""
_FIELDS = 20


class LogoutTokenRefused(HttpRefusal):
    """This is no logout token of the identity provider's, or it was used before."""

    # OpenID Connect Back-Channel Logout 1.0 section 2.8.
    status = 400
    code = "logout-token-refused"
    title = "The logout token is not good"

    def __init__(self) -> None:
        super().__init__("Post a form with one fresh `logout_token`. Nobody was signed out.")


def get_providers(request: Request) -> dict[str, Provider]:
    """The identity providers by their short names."""
    providers: dict[str, Provider] = request.app.state.providers
    return providers


def get_provider(provider: str, request: Request) -> Provider:
    """The identity provider that the path names.

    Raises:
        NotFound: There is none.
    """
    found = get_providers(request).get(provider)
    if found is None:
        raise NotFound("identity provider")
    return found


ProvidersDep = Annotated[dict[str, Provider], Depends(get_providers)]
ProviderDep = Annotated[Provider, Depends(get_provider)]


def open_pending(
    request: Request, provider: ProviderDep, settings: SettingsDep, at: Now
) -> PendingSignIn:
    """The pending sign-in that the browser began, by its cookie and the `state` of the query.

    Raises:
        SignInNotBegun: There is none, or it is another one, or over.
    """
    state = request.query_params.get("state", "")
    sealed = request.cookies.get(cookie_name(settings), "")
    slug, key = provider.settings.slug, settings.codes.secret
    with noting_refusals(provider):
        return pending.unseal(key, sealed, provider=slug, state=state, at=at)


PendingDep = Annotated[PendingSignIn, Depends(open_pending)]


def let_in(
    request: Request,
    provider: Provider,
    begun: PendingSignIn,
    *,
    code: str | None,
    iss: str | None,
    at: datetime,
) -> str:
    """Let in whoever the provider sent back; return the token of their sign-in.

    Raises:
        ProviderRefusal: It did not let them in, or its answer does not hold.
    """
    settings: Settings = request.app.state.settings
    with noting_refusals(provider):
        provider.check_issuer(iss)
        if code is None:
            raise SignInDeclined
        return service.finish(
            request.app.state.sessions,
            provider,
            begun,
            code=code,
            lifetime=settings.oidc.sign_in_lifetime,
            at=at,
        )


def keep_pending(response: Response, begun: PendingSignIn, settings: Settings) -> None:
    """Have the browser keep a pending sign-in while it is at the provider."""
    sealed = pending.seal(settings.codes.secret, begun)
    _set(response, sealed, settings, int(LIFETIME.total_seconds()))


def drop_pending(response: Response, settings: Settings) -> None:
    """Have the browser forget its pending sign-in."""
    _set(response, "", settings, 0)


def cookie_name(settings: Settings) -> str:
    """Return what the cookie with the pending sign-in is called; see `api.cookies.cookie_name`."""
    return "__Host-oidc" if settings.public_url.startswith("https://") else "oidc"


@contextmanager
def noting_refusals(provider: Provider) -> Iterator[None]:
    """Write down why a provider's word did not count, and nothing of what it said."""
    try:
        yield
    except ProviderRefusal as error:
        log.warning("oidc_refused", provider=provider.settings.slug, reason=error.reason)
        raise


def logout_token_in(body: object) -> str:
    """Return the token of a back-channel request.

    Raises:
        LogoutTokenRefused: There is not exactly one.
    """
    if not isinstance(body, bytes):
        raise LogoutTokenRefused
    try:
        form = parse_qs(body.decode("ascii"), max_num_fields=_FIELDS)
    except ValueError as error:
        raise LogoutTokenRefused from error
    tokens = form.get("logout_token", [])
    if len(tokens) != 1:
        raise LogoutTokenRefused
    return tokens[0]


def _set(response: Response, value: str, settings: Settings, max_age_s: int) -> None:
    response.set_cookie(
        cookie_name(settings),
        value,
        max_age=max_age_s,
        path="/",
        secure=settings.public_url.startswith("https://"),
        httponly=True,
        # It must come along when the provider sends the browser back.
        samesite="lax",
    )
