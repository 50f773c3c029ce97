"""What every answer tells browsers to keep off (OWASP Secure Headers Project)."""

from collections.abc import Mapping

OF_ALL: Mapping[str, str] = {
    "Cache-Control": "no-store",
    # What is no page loads nothing and is shown in no frame, whatever is made of it.
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer, unless it says something else itself."""

OVER_TLS: Mapping[str, str] = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains"}
"""Of a service whose public address is `https:`: two years, as browsers' lists ask for."""

OF_PAGES: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; manifest-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
}
"""Of pages, which load nothing but this service's own files; none has a script within it."""


def of_app(map_origin: str | None) -> dict[str, str]:
    """Return the headers of the web app's page and scripts.

    Args:
        map_origin: Where its base map is loaded from besides, if from anywhere.
    """
    connected = " ".join(["connect-src 'self'", *([map_origin] if map_origin else [])])
    policy = OF_PAGES["Content-Security-Policy"].replace("connect-src 'self'", connected)
    return {"Content-Security-Policy": policy}


def of_service(public_url: str) -> dict[str, str]:
    """Return the headers of every answer of a service that browsers reach there."""
    return {**OF_ALL, **(OVER_TLS if public_url.startswith("https:") else {})}
