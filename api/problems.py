"""Refusals as RFC 9457 problem documents; the only module that knows statuses."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from geoservices.errors import ErrorKind, GeoservicesError, Unauthenticated
from geoservices.listings.models import ListingKind

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
SCHEMA = {"$ref": "#/components/schemas/Problem"}

STATUS: Mapping[ErrorKind, int] = {
    ErrorKind.INVALID: 422,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.PRECONDITION: 412,
    ErrorKind.TOO_OFTEN: 429,
    ErrorKind.UNAVAILABLE: 503,
}


class HttpRefusal(GeoservicesError):
    """A refusal that only HTTP has a word for; it brings its status along."""

    status: ClassVar[int]


class InvalidRequest(GeoservicesError):
    """The request cannot be read as what the route takes; `errors` lists every fault."""

    kind = ErrorKind.INVALID
    code = "invalid-request"
    title = "The request is not valid"

    def __init__(self, faults: Sequence[Mapping[str, object]]) -> None:
        self.faults = faults
        first = faults[0]
        where = str(first["field"])
        told = f"{where}: {first['detail']}" if where else str(first["detail"])
        super().__init__(told, field=where or None)

    def extra(self) -> Mapping[str, object]:
        """List every fault with its field (JSON Pointer), its rule and a sentence."""
        return {"errors": self.faults}


class UnreadableBody(GeoservicesError):
    """The body is not JSON as RFC 8259 and I-JSON (RFC 7493) have it."""

    kind = ErrorKind.INVALID
    code = "unreadable-body"
    title = "The body cannot be read as JSON"


class BodyTooLarge(HttpRefusal):
    """The body has more bytes than are taken; it was not read to its end."""

    status = 413
    code = "body-too-large"
    title = "The body is too large"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"At most {limit} bytes are taken.")


class UnsupportedMediaType(HttpRefusal):
    """The body's `Content-Type` is missing or is not JSON."""

    status = 415
    code = "unsupported-media-type"
    title = "The body's type is not taken here"

    def __init__(self, *, taken: Sequence[str]) -> None:
        super().__init__(f"Send the body as {' or '.join(taken)}.")


class NoSuchAddress(HttpRefusal):
    """The service has nothing at this address."""

    status = 404
    code = "no-such-address"
    title = "There is nothing at this address"

    def __init__(self) -> None:
        super().__init__("Look the address up in /openapi.json.")


class MethodNotAllowed(HttpRefusal):
    """The address exists, but not for this method; the header `Allow` names one that fits."""

    status = 405
    code = "method-not-allowed"
    title = "This address does not take this method"

    def __init__(self) -> None:
        super().__init__("Use a method that the header Allow names.")


class InternalError(HttpRefusal):
    """The server failed; the fault is its own, and the log has the request's id."""

    status = 500
    code = "internal-error"
    title = "Something went wrong on the server"

    def __init__(self) -> None:
        super().__init__("Nothing was stored. Quote request_id when you report this.")


class Unavailable(GeoservicesError):
    """A server this one needs is away; send the same again, and nothing is stored twice."""

    kind = ErrorKind.UNAVAILABLE
    code = "unavailable"
    title = "Not available at the moment"

    def __init__(self) -> None:
        super().__init__("Send the same request again in a few seconds; nothing is stored twice.")


def status_of(error: type[GeoservicesError]) -> int:
    """Return the status that answers a refusal."""
    return error.status if issubclass(error, HttpRefusal) else STATUS[error.kind]


def catalogue() -> dict[str, type[GeoservicesError]]:
    """Return every refusal there is by its code, in the order of the codes."""
    found: dict[str, type[GeoservicesError]] = {}
    waiting = GeoservicesError.__subclasses__()
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if hasattr(error, "code"):
            found[error.code] = error
    return dict(sorted(found.items()))


def meaning_of(error: type[GeoservicesError]) -> str:
    """Return what a refusal means, in words for whoever met it."""
    return " ".join((error.__doc__ or "").split())


def problem_responses(*errors: type[GeoservicesError]) -> dict[int | str, dict[str, Any]]:
    """Return what a route's `responses` says of the refusals, grouped by their statuses."""
    by_status: dict[int, dict[str, type[GeoservicesError]]] = {}
    for error in errors:
        by_status.setdefault(status_of(error), {})[error.code] = error
    return {status: _response(status, group) for status, group in sorted(by_status.items())}


def refusal(request: Request, error: GeoservicesError) -> JSONResponse:
    """Return the problem document of a refusal; `type` is a page that explains the code."""
    status = status_of(type(error))
    field = {"field": error.field} if error.field else {}
    document = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": status,
        "detail": str(error),
        # Not `request.url`: that believes the Host header, which may be nonsense.
        "instance": quote(request.scope["path"], errors="replace"),
        "request_id": getattr(request.state, "request_id", None),
        **field,
        **error.extra(),
    }
    headers = dict(_HEADERS.get(status, {}))
    if "retry_after_s" in document:
        headers["Retry-After"] = str(document["retry_after_s"])
    return JSONResponse(document, status, headers, media_type=MEDIA_TYPE)


def faults_of(errors: Iterable[Any], *, located: bool = False) -> list[dict[str, object]]:
    """Translate Pydantic's errors: where (JSON Pointer), which rule, and a sentence.

    What was sent is not repeated: it may be a position.

    Args:
        errors: As Pydantic lists them.
        located: Whether each begins with where it stood: body, path, query or header.
    """
    return [
        {
            "field": _pointer(_place_of(error, located=located)),
            "rule": error["type"].replace("_", "-"),
            "detail": error["msg"].removeprefix("Value error, ") + ".",
        }
        for error in errors
    ]


def install(app: FastAPI, *, refused: Callable[[Request, int], None]) -> None:
    """Answer every error with a problem document; what is left over, `middleware.Door` does.

    Args:
        app: The application.
        refused: Is told of each refusal, with its status, before it is sent.
    """

    def refuse(request: Request, error: GeoservicesError) -> JSONResponse:
        refused(request, status_of(type(error)))
        return refusal(request, error)

    @app.exception_handler(GeoservicesError)
    def _refused(request: Request, error: GeoservicesError) -> JSONResponse:
        return refuse(request, error)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return refuse(request, InvalidRequest(faults_of(error.errors(), located=True)))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        answer = refuse(request, _refusal_for(error))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    @app.exception_handler(PoolTimeout)
    def _away(request: Request, error: Exception) -> JSONResponse:
        log.warning("database_unavailable", error=type(error).__name__)
        return refusal(request, Unavailable())


_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    # The rest of a body that is not wanted is not waited for.
    413: {"Connection": "close"},
    415: {"Connection": "close"},
    503: {"Retry-After": "5"},
}


def _refusal_for(error: HTTPException) -> GeoservicesError:
    """Return the refusal that the framework's own exception stands for."""
    # FastAPI wraps whatever goes wrong while a body is read, our own refusals too.
    if isinstance(error.__cause__, GeoservicesError):
        return error.__cause__
    known: Mapping[int, Callable[[], GeoservicesError]] = {
        401: Unauthenticated,
        404: NoSuchAddress,
        405: MethodNotAllowed,
    }
    return known.get(error.status_code, InternalError)()


def _response(status: int, errors: Mapping[str, type[GeoservicesError]]) -> dict[str, Any]:
    """Return the OpenAPI response object of the refusals, all of one status."""
    lines = [f"* `{code}`: {error.title}" for code, error in sorted(errors.items())]
    return {
        "description": "\n".join([f"{HTTPStatus(status).phrase}.", "", *lines]),
        "content": {MEDIA_TYPE: {"schema": SCHEMA}},
        "x-problem-codes": sorted(errors),
    }


TAGS = {"one-ping", "batch", *ListingKind}
"""Of unions; they are Pydantic's, not the client's. No member of a body has such a name."""


def _place_of(error: Any, *, located: bool) -> Sequence[int | str]:  # noqa: ANN401  # As Pydantic has it.
    """Return where an error stood in a request."""
    loc: Sequence[int | str] = error["loc"][1:] if located else error["loc"]
    if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return [*loc, error["ctx"]["discriminator"].strip("'")]
    return loc[1:] if loc and loc[0] in TAGS else loc


def _pointer(loc: Sequence[int | str]) -> str:
    """Return the JSON Pointer (RFC 6901) of a place in a request; the whole of it is empty."""
    # A lone surrogate cannot be written.
    parts = [
        str(part).encode(errors="replace").decode().replace("~", "~0").replace("/", "~1")
        for part in loc
    ]
    return "".join(f"/{part}" for part in parts)
