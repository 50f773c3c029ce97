"""What the routes of identity providers share: the provider that is named, and the attempt."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from urllib.parse import parse_qs

import structlog
from fastapi import Depends, Request, Response

from api.dependencies import Now, SettingsDep
from api.problems import HttpRefusal
from geoservices.errors import NotFound
from geoservices.oidc import attempts
from geoservices.oidc.attempts import LIFETIME, Attempt
from geoservices.oidc.provider import Provider
from geoservices.oidc.refusals import ProviderUnavailable, SignInNotBegun, TokenRefused
from geoservices.settings import Settings

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


def open_attempt(
    request: Request, provider: ProviderDep, settings: SettingsDep, at: Now
) -> Attempt:
    """The attempt that the browser began, by its cookie and the `state` of the query.

    Raises:
        SignInNotBegun: There is none, or it is another one, or over.
    """
    state = request.query_params.get("state", "")
    sealed = request.cookies.get(cookie_name(settings), "")
    slug, key = provider.settings.slug, key_of(settings)
    try:
        return attempts.unseal(key, sealed, provider=slug, state=state, at=at)
    except SignInNotBegun:
        log.warning("oidc_refused", provider=slug, reason="not-begun")
        raise


AttemptDep = Annotated[Attempt, Depends(open_attempt)]


def keep_attempt(response: Response, attempt: Attempt, settings: Settings) -> None:
    """Have the browser keep an attempt while it is at the provider."""
    sealed = attempts.seal(key_of(settings), attempt)
    _set(response, sealed, settings, int(LIFETIME.total_seconds()))


def drop_attempt(response: Response, settings: Settings) -> None:
    """Have the browser forget its attempt."""
    _set(response, "", settings, 0)


def key_of(settings: Settings) -> bytes:
    """Return the key from which that of attempts is derived."""
    return settings.codes.key.get_secret_value().encode()


def cookie_name(settings: Settings) -> str:
    """Return what the cookie with the attempt is called; see `api.cookies.cookie_name`."""
    return "__Host-oidc" if settings.public_url.startswith("https://") else "oidc"


@contextmanager
def noting_refusals(provider: Provider) -> Iterator[None]:
    """Write down why a provider's word did not count, and nothing of what it said."""
    try:
        yield
    except (TokenRefused, ProviderUnavailable) as error:
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
