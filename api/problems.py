"""Refusals as RFC 9457 problem documents; the only module that knows statuses."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from geoservices.errors import ErrorKind, GeoservicesError

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[ErrorKind, int] = {
    ErrorKind.INVALID: 422,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.PRECONDITION: 412,
    ErrorKind.UNAVAILABLE: 503,
}


class InvalidRequest(GeoservicesError):
    """The request cannot be read as what the route takes; `errors` lists every fault."""

    kind = ErrorKind.INVALID
    code = "invalid-request"
    title = "The request is not valid"

    def __init__(self, faults: Sequence[Mapping[str, object]]) -> None:
        self.faults = faults
        first = faults[0]
        super().__init__(f"{first['field']}: {first['detail']}", field=str(first["field"]))

    def extra(self) -> Mapping[str, object]:
        """List every fault with its field (JSON Pointer), its rule and a sentence."""
        return {"errors": self.faults}


class Unavailable(GeoservicesError):
    """A server this one needs is away; nothing was stored, and trying again is right."""

    kind = ErrorKind.UNAVAILABLE
    code = "unavailable"
    title = "Not available at the moment"

    def __init__(self) -> None:
        super().__init__("Nothing was stored. Send the same request again in a few seconds.")


def problem(
    request: Request,
    *,
    status: int,
    code: str,
    title: str,
    detail: str,
    members: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a problem document; `type` is a page that explains the code."""
    document: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": getattr(request.state, "request_id", None),
        **(members or {}),
    }
    return JSONResponse(document, status, dict(headers or {}), media_type=MEDIA_TYPE)


def refusal(request: Request, error: GeoservicesError) -> JSONResponse:
    """Return the problem document of a refusal of the domain."""
    headers: dict[str, str] = {}
    if error.kind is ErrorKind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.kind is ErrorKind.UNAVAILABLE:
        headers["Retry-After"] = "5"
    field = {"field": error.field} if error.field else {}
    return problem(
        request,
        status=STATUS[error.kind],
        code=error.code,
        title=error.title,
        detail=str(error),
        members={**field, **error.extra()},
        headers=headers,
    )


def faults_of(errors: Sequence[Any], *, prefix: str = "") -> list[dict[str, object]]:
    """Translate Pydantic's errors: where (JSON Pointer), which rule, and a sentence.

    What was sent is not repeated: it may be a position.
    """
    return [
        {
            "field": prefix + _pointer(error["loc"]),
            "rule": error["type"].replace("_", "-"),
            "detail": error["msg"].removeprefix("Value error, ") + ".",
        }
        for error in errors
    ]


def install(app: FastAPI) -> None:
    """Answer every error with a problem document."""

    @app.exception_handler(GeoservicesError)
    def _refused(request: Request, error: GeoservicesError) -> JSONResponse:
        return refusal(request, error)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return refusal(request, InvalidRequest(faults_of(error.errors())))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        title = str(error.detail)
        return problem(
            request,
            status=error.status_code,
            code=_HTTP_CODES.get(error.status_code, "http-error"),
            title=title,
            detail=_HTTP_DETAILS.get(error.status_code, title),
            headers=error.headers,
        )

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    @app.exception_handler(PoolTimeout)
    def _away(request: Request, error: Exception) -> JSONResponse:
        log.warning("database_unavailable", error=type(error).__name__)
        return refusal(request, Unavailable())

    @app.exception_handler(Exception)
    def _failed(request: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", exc_info=error)
        return problem(
            request,
            status=500,
            code="internal-error",
            title="Something went wrong on the server",
            detail="Nothing was stored. Quote request_id when you report this.",
        )


_HTTP_CODES = {400: "unreadable-body", 404: "not-found", 405: "method-not-allowed"}
_HTTP_DETAILS = {
    400: "The body cannot be read as JSON.",
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
}


def _pointer(loc: Sequence[int | str]) -> str:
    parts = [str(part) for part in loc if part not in {"body", "query", "path", "header"}]
    # The tags of a union are Pydantic's, not the client's.
    return "/" + "/".join(part for part in parts if part not in {"one-ping", "batch"})
