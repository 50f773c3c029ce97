"""The OpenAPI document: what FastAPI finds out, and every refusal each route may answer with."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fastapi.routing import APIRoute

from api.cookies import CookieKind, cookie_name
from api.csrf import HEADER, SAFE_METHODS, CsrfRefused
from api.dependencies import (
    Needs,
    calls_of,
    find_browsers_device,
    identify,
    identify_device,
    identify_optionally,
    identify_sign_in,
    open_session,
    refuse_devices,
    require_device,
    require_person,
    require_sign_in,
)
from api.pagination import CursorRefused, read_cursor
from api.phone_access import identify_overland, identify_owntracks
from api.problems import (
    BodyTooLarge,
    InternalError,
    InvalidRequest,
    Unavailable,
    UnreadableBody,
    UnsupportedMediaType,
    catalogue,
    problem_responses,
)
from geoservices.accounts.device_tokens import TokenReplayed
from geoservices.credentials.second_factor import SecondFactorDemanded
from geoservices.errors import Forbidden, GeoservicesError, Unauthenticated
from geoservices.limiting.limiter import TooManyRequests
from geoservices.settings.service import Settings

Refusals = tuple[type[GeoservicesError], ...]

BY_TOKEN: Refusals = (Unauthenticated, TokenReplayed)
OF_DEPENDENCIES: Mapping[Callable[..., object], Refusals] = {
    identify: (*BY_TOKEN, CsrfRefused, Forbidden, SecondFactorDemanded),
    identify_optionally: (*BY_TOKEN, CsrfRefused, Forbidden, SecondFactorDemanded),
    find_browsers_device: (TokenReplayed, CsrfRefused),
    identify_owntracks: (*BY_TOKEN, Forbidden),
    identify_overland: (*BY_TOKEN, Forbidden),
    refuse_devices: (Forbidden,),
    identify_device: (*BY_TOKEN, CsrfRefused, Forbidden, Unavailable),
    identify_sign_in: (*BY_TOKEN, CsrfRefused, Forbidden, Unavailable),
    require_device: (Forbidden,),
    require_sign_in: (Forbidden,),
    require_person: (Forbidden,),
    open_session: (Unavailable,),
    read_cursor: (CursorRefused,),
}
"""What a route may answer because of what it asks for."""

BY_ANY_COOKIE = {identify, identify_optionally, identify_sign_in}
BY_DEVICES_COOKIE = {identify_device, require_device}
SCHEME_OF: Mapping[CookieKind, str] = {"device": "DeviceCookie", "member": "MemberCookie"}
CSRF_SCHEME = "CsrfToken"

PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "A problem document (RFC 9457). A problem may have further members of its own.",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "`/problems/{code}`: a page that explains the code; it never changes",
        },
        "title": {"type": "string", "description": "The same for every problem of the type"},
        "status": {"type": "integer", "description": "The HTTP status"},
        "detail": {"type": "string", "description": "What was wrong this time, for people"},
        "instance": {
            "type": "string",
            "format": "uri-reference",
            "description": "The path that was asked",
        },
        "request_id": {"type": "string", "description": "Finds the request in the server's log"},
        "field": {
            "type": "string",
            "format": "json-pointer",
            "description": "The member or parameter that broke the rule (RFC 6901)",
        },
        "errors": {
            "type": "array",
            "description": "Every fault, where the request has several",
            "items": {
                "type": "object",
                "required": ["field", "rule", "detail"],
                "properties": {
                    "field": {"type": "string", "description": "As above; empty for the whole"},
                    "rule": {"type": "string", "description": "The rule's name"},
                    "detail": {"type": "string", "description": "The rule, for people"},
                },
            },
        },
    },
}


def complete(
    document: dict[str, Any], routes: Iterable[APIRoute], settings: Settings
) -> dict[str, Any]:
    """Add the problem schema, each route's refusals and the cookies to what FastAPI generated.

    Args:
        document: FastAPI's; it is changed and returned.
        routes: The routes it describes, known by their names.
        settings: The service's, which decide what cookies are called.
    """
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = dict(PROBLEM)
    by_name = {route.name: route for route in routes}
    for operation in operations(document):
        _add_refusals(operation, by_name[operation["operationId"]])
        _add_cookies(operation, by_name[operation["operationId"]])
    document["components"]["securitySchemes"].update(_cookie_schemes(settings))
    return document


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each operation of a document."""
    for path in document["paths"].values():
        yield from path.values()


def _add_refusals(operation: dict[str, Any], route: APIRoute) -> None:
    responses = operation["responses"]
    known = catalogue()
    declared = [
        known[code]
        for response in responses.values()
        for code in response.get("x-problem-codes", ())
    ]
    for status in ("422", *(s for s, r in responses.items() if "x-problem-codes" in r)):
        responses.pop(status, None)
    everything = problem_responses(*declared, *_general(operation, route))
    responses.update({str(status): told for status, told in everything.items()})


def _cookie_schemes(settings: Settings) -> dict[str, Any]:
    cookies = {
        scheme: {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie_name(kind, settings),
            "description": f"A {kind}'s, in a browser; read where there is no Authorization.",
        }
        for kind, scheme in SCHEME_OF.items()
    }
    csrf = {
        "type": "apiKey",
        "in": "header",
        "name": HEADER,
        "description": "What a request with a cookie that changes something must carry: "
        "`csrf_token` from GET /v1/session.",
    }
    return {**cookies, CSRF_SCHEME: csrf}


def _add_cookies(operation: dict[str, Any], route: APIRoute) -> None:
    """Say that a token may come by a cookie as well, and what must come with it."""
    calls = set(calls_of(route.dependant))
    if calls & BY_DEVICES_COOKIE:
        schemes = [SCHEME_OF["device"]]
    elif calls & BY_ANY_COOKIE:
        schemes = list(SCHEME_OF.values())
    else:
        return
    csrf: dict[str, list[str]] = {} if _is_safe(route) else {CSRF_SCHEME: []}
    operation["security"] += [{scheme: [], **csrf} for scheme in schemes]


def _is_safe(route: APIRoute) -> bool:
    return set(route.methods or ()) <= SAFE_METHODS


def _general(operation: Mapping[str, Any], route: APIRoute) -> Iterator[type[GeoservicesError]]:
    yield from (InternalError, TooManyRequests)
    for call in calls_of(route.dependant):
        told = (Forbidden,) if isinstance(call, Needs) else OF_DEPENDENCIES.get(call, ())
        yield from (one for one in told if one is not CsrfRefused or not _is_safe(route))
    if "requestBody" in operation:
        yield from (BodyTooLarge, UnsupportedMediaType, UnreadableBody, InvalidRequest)
    if operation.get("parameters"):
        yield InvalidRequest
