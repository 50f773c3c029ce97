"""Refusals: facts the domain states, each with a public code; none knows an HTTP status."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import ClassVar


class ErrorKind(Enum):
    """What sort of refusal it is; `api.problems` turns the kind into a status."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    PRECONDITION = "precondition"
    TOO_OFTEN = "too-often"
    UNAVAILABLE = "unavailable"


class GeoservicesError(Exception):
    """A refusal of the domain, fit to be read by whoever asked.

    `code` is public and never changes; `title` is the same for every instance; the message says
    what was wrong this time and what would be right. `field` names the member of the request
    that broke the rule, where there is one, as a JSON Pointer (RFC 6901).
    """

    kind: ClassVar[ErrorKind]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, message: str, *, field: str | None = None) -> None:
        self.field = field
        super().__init__(message)

    def extra(self) -> Mapping[str, object]:
        """Return further members of the problem document, with units in their names."""
        return {}


class NotFound(GeoservicesError):
    """The thing does not exist, or is not the asker's to see; the two are not told apart."""

    kind = ErrorKind.NOT_FOUND
    code = "not-found"
    title = "Not found"

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what}, or it is not yours to see.")


class Unauthenticated(GeoservicesError):
    """No token was given, or it is unknown, expired or revoked."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "unauthenticated"
    title = "A valid token is needed"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            message or "Send `Authorization: Bearer <token>` with a token that is still valid."
        )


class Forbidden(GeoservicesError):
    """The token is valid but does not allow this."""

    kind = ErrorKind.FORBIDDEN
    code = "forbidden"
    title = "Not allowed with this token"


class TooOften(GeoservicesError):
    """The same was asked too often; it may be asked again in a while."""

    kind = ErrorKind.TOO_OFTEN

    def __init__(self, retry_after: timedelta, message: str | None = None) -> None:
        self.retry_after_s = max(1, -(-retry_after // timedelta(seconds=1)))
        super().__init__(
            message or f"Wait {self.retry_after_s} s and ask again. Nothing was done this time."
        )

    def extra(self) -> Mapping[str, object]:
        """Say how long to wait, in seconds."""
        return {"retry_after_s": self.retry_after_s}


class IdTaken(GeoservicesError):
    """The client's id was used before for something else."""

    kind = ErrorKind.CONFLICT
    code = "id-taken"
    title = "This id is already used for something else"

    def __init__(self, what: str) -> None:
        super().__init__(f"Another {what} has this id. Send the same body again, or a new id.")
