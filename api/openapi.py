"""The OpenAPI document: what FastAPI finds out, and every refusal each route may answer with."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.dependencies import (
    Needs,
    identify,
    identify_device,
    identify_optionally,
    open_session,
    refuse_devices,
    require_device,
    require_person,
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
from geoservices.errors import Forbidden, GeoservicesError, Unauthenticated
from geoservices.limiting.limiter import TooManyRequests

Refusals = tuple[type[GeoservicesError], ...]

OF_DEPENDENCIES: Mapping[Callable[..., object], Refusals] = {
    identify: (Unauthenticated,),
    identify_optionally: (Unauthenticated,),
    identify_owntracks: (Unauthenticated, Forbidden),
    identify_overland: (Unauthenticated, Forbidden),
    refuse_devices: (Forbidden,),
    identify_device: (Unauthenticated, Forbidden, Unavailable),
    require_device: (Forbidden,),
    require_person: (Forbidden,),
    open_session: (Unavailable,),
    read_cursor: (CursorRefused,),
}
"""What a route may answer because of what it asks for."""

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


def complete(document: dict[str, Any], routes: Iterable[APIRoute]) -> dict[str, Any]:
    """Add the problem schema and each route's refusals to what FastAPI generated.

    Args:
        document: FastAPI's; it is changed and returned.
        routes: The routes it describes, known by their names.
    """
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = dict(PROBLEM)
    by_name = {route.name: route for route in routes}
    for operation in operations(document):
        _add_refusals(operation, by_name[operation["operationId"]])
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


def _general(operation: Mapping[str, Any], route: APIRoute) -> Iterator[type[GeoservicesError]]:
    yield from (InternalError, TooManyRequests)
    for call in _calls(route.dependant):
        yield from (Forbidden,) if isinstance(call, Needs) else OF_DEPENDENCIES.get(call, ())
    if "requestBody" in operation:
        yield from (BodyTooLarge, UnsupportedMediaType, UnreadableBody, InvalidRequest)
    if operation.get("parameters"):
        yield InvalidRequest


def _calls(dependant: Dependant) -> Iterator[Callable[..., object]]:
    """Yield whatever a route depends on, however indirectly."""
    for inner in dependant.dependencies:
        if inner.call is not None:
            yield inner.call
        yield from _calls(inner)
