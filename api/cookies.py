"""The cookies by which a browser is known; no script can read them (RFC 6265)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal

from fastapi import Request, Response

from geoservices.settings.service import Settings

CookieKind = Literal["device", "member", "pass"]

DEVICE_LASTS: Final = timedelta(days=400)
"""No browser keeps a cookie for longer (draft-ietf-httpbis-rfc6265bis-22, section 5.5)."""
SAME_SITE: Final[Mapping[CookieKind, Literal["strict", "lax"]]] = {
    "device": "strict",
    # An identity provider sends people back to us, and they shall be known when they arrive.
    "member": "lax",
    "pass": "strict",
}


def cookie_name(kind: CookieKind, settings: Settings) -> str:
    """Return what the cookie is called.

    With `__Host-` before it a browser takes it only from this very host, by HTTPS and for every
    path, so no neighbouring host can plant one (RFC 6265bis section 4.1.3.2).
    """
    return f"__Host-{kind}" if _by_https(settings) else kind


def token_in(request: Request, kind: CookieKind) -> str | None:
    """Return the token that the request's cookie of a kind holds, None where it has no such."""
    settings: Settings = request.app.state.settings
    return request.cookies.get(cookie_name(kind, settings)) or None


def give_device(response: Response, token: str, settings: Settings) -> None:
    """Have the browser be a device from now on."""
    _give(response, "device", token, settings, DEVICE_LASTS)


def give_member(response: Response, token: str, settings: Settings, lifetime: timedelta) -> None:
    """Have a member be signed in with the browser from now on, for no longer than a lifetime."""
    _give(response, "member", token, settings, lifetime)


def give_pass(response: Response, browser_pass: str, settings: Settings) -> None:
    """Have the browser be known as one that has signed in before; it is let in nowhere by that."""
    _give(response, "pass", browser_pass, settings, DEVICE_LASTS)


def drop_device(response: Response, settings: Settings) -> None:
    """Have the browser forget which device it is."""
    _give(response, "device", "", settings, timedelta(0))


def drop_member(response: Response, settings: Settings) -> None:
    """Have the browser forget who is signed in."""
    _give(response, "member", "", settings, timedelta(0))


def _give(
    response: Response, kind: CookieKind, token: str, settings: Settings, lasts: timedelta
) -> None:
    response.set_cookie(
        cookie_name(kind, settings),
        token,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=_by_https(settings),
        httponly=True,
        samesite=SAME_SITE[kind],
    )


def _by_https(settings: Settings) -> bool:
    return settings.public_url.startswith("https://")
