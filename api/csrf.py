"""That a request with a cookie comes from our own page and from nobody else's.

A browser sends cookies along whoever has it ask. `SameSite` stops most of that, and not what comes
from a neighbouring host. So a request that changes something must also carry what only a page of
ours can read (OWASP Cross-Site Request Forgery Prevention, HMAC-based token bound to the session),
and must not say of itself that it comes from elsewhere (W3C Fetch Metadata, RFC 6454).
"""

import hmac
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request

from api.cookies import token_in
from api.problems import HttpRefusal
from geoservices import base64url
from geoservices.keyring import derive
from geoservices.settings.service import Settings

HEADER: Final = "X-CSRF-Token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
"""What changes nothing (RFC 9110 section 9.2.1)."""
OURS: Final = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of requests by our own pages, and of what people do themselves."""
_SEPARATOR: Final = "."
_MOST_PARTS: Final = 2


class CsrfRefused(HttpRefusal):
    """A cookie came with a request that may be another site's; nothing was changed."""

    status = 403
    code = "csrf"
    title = "The request may come from another site"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            message
            or f"Send the header {HEADER} with `csrf_token` from GET /v1/session. It changes "
            "whenever a cookie does."
        )


def make_csrf_token(settings: Settings, *tokens: str | None) -> str | None:
    """Return what shows that whoever sends it could read an answer of ours; None without cookies.

    Args:
        settings: The service's; the key is derived from the one that seals codes, and is one of
            its own, as no token of one kind may pass for one of another.
        tokens: What the browser's cookies hold. Each is spoken for by itself, so one token serves
            whichever cookie a route goes by, and a cookie that somebody planted speaks for no
            other.
    """
    parts = [_seal(settings, token) for token in tokens if token]
    return _SEPARATOR.join(parts) or None


def csrf_token_after(
    request: Request, *, device: str | None = None, member: str | None = None
) -> str | None:
    """Return the token that goes with the cookies a browser has after the answer.

    Args:
        request: It carries those the browser has now.
        device: The device's token, if the answer sets that cookie.
        member: The member's, likewise.
    """
    settings: Settings = request.app.state.settings
    return make_csrf_token(
        settings,
        device or token_in(request, "device"),
        member or token_in(request, "member"),
    )


def check_csrf(request: Request, token: str) -> None:
    """Make sure that a request which is let in by a cookie comes from our own page.

    Args:
        request: The request; one that changes nothing needs to show nothing.
        token: What the cookie holds that it is let in by.

    Raises:
        CsrfRefused: It may come from elsewhere.
    """
    if request.method in SAFE_METHODS:
        return
    refuse_other_sites(request)
    settings: Settings = request.app.state.settings
    given = request.headers.get(HEADER, "").split(_SEPARATOR, _MOST_PARTS)[:_MOST_PARTS]
    expected = _seal(settings, token).encode()
    # Bytes, since text that is not ASCII cannot be compared in constant time.
    if not any(hmac.compare_digest(part.encode(), expected) for part in given):
        raise CsrfRefused


def refuse_other_sites(request: Request) -> None:
    """Refuse a request of which the browser says that another site's page makes it.

    To be asked wherever a cookie is given, too: nobody may sign others in as themselves.

    Raises:
        CsrfRefused: It comes from another site, or from a neighbouring host.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        is_ours = site in OURS
    else:
        origin = request.headers.get("Origin")
        settings: Settings = request.app.state.settings
        is_ours = origin is None or _same(origin, settings.public_url)
    if not is_ours:
        raise CsrfRefused("Ask from a page of this service. Other sites' pages are not let in.")


def _same(origin: str, public_url: str) -> bool:
    given, ours = urlsplit(origin), urlsplit(public_url)
    return (given.scheme, given.netloc) == (ours.scheme, ours.netloc.lower())


def _seal(settings: Settings, token: str) -> str:
    key = derive(settings.codes.secret, b"csrf")
    seal = hmac.digest(key, token.encode(), "sha256")
    return base64url.encode(seal)
