"""What happens to every request before routing: an id, limits, the access log."""

import re
import time
import uuid
from asyncio import Semaphore
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import BodyTooLarge, InternalError, UnsupportedMediaType, refusal
from geoservices.errors import GeoservicesError

log = structlog.get_logger()

JSON_TYPES = ("application/json", "application/geo+json")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
AT_ONCE = 20
"""So many requests are being answered by a process at once; the others wait in front of it.

Each may hold a connection to the database while it waits for a thread, and another a thread while
it waits for a connection. With more of them than there are of either, all could wait for ever.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bodies:
    """What bodies an address takes: of which media types, and how long at most."""

    max_bytes: int
    media_types: tuple[str, ...] = JSON_TYPES


class Door:
    """Gives each request an id, refuses too many, bodies too large or of other types, and logs.

    An exception nobody expected ends here: the log gets it, the client a problem document
    without a word of it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        usual: Bodies,
        taken_at: Mapping[str, Bodies],
        headers: Mapping[str, str],
        at_once: int,
    ) -> None:
        """Stand before an application.

        Args:
            app: The application.
            usual: What bodies are taken.
            taken_at: What is taken in place of that, by path; a `*` in it stands for any one part.
            headers: What every answer has that does not say something else itself.
            at_once: How many requests the application answers at once.
        """
        self.app = app
        self.usual = usual
        self.taken_at = {path: bodies for path, bodies in taken_at.items() if "*" not in path}
        self.taken_at_any = [
            (re.compile(re.escape(path).replace(r"\*", "[^/]+")), bodies)
            for path, bodies in taken_at.items()
            if "*" in path
        ]
        self.headers = headers
        self.free = Semaphore(at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as ASGI asks."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        answer = _Answer(send, {**self.headers, "X-Request-Id": request_id})
        started = time.perf_counter()
        try:
            await self._serve(scope, receive, answer)
        finally:
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=answer.status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )

    async def _serve(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        error: GeoservicesError
        try:
            await self._admit(scope, receive, answer)
        except ClientDisconnect:
            return
        except GeoservicesError as refused:
            error = refused
        except Exception:
            # Passed on, it would be written down once more, with its message and all values.
            log.exception("request_failed")
            error = InternalError()
        else:
            return
        if answer.status is None:
            await refusal(Request(scope), error)(scope, receive, answer)

    async def _admit(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        await scope["app"].state.throttle.admit(scope)
        taken = self._taken(scope["path"])
        self._check(scope, Headers(scope=scope), taken)
        body = await self._read(receive, taken.max_bytes)
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.free.acquire()
        answer.when_begun = self.free.release
        try:
            await self.app(scope, replay, answer)
        finally:
            answer.begin()

    async def _read(self, receive: Receive, limit: int) -> bytes:
        """Read the body whole, or up to where it is larger than is taken."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit:
                raise BodyTooLarge(limit=limit)
        return bytes(body)

    def _taken(self, path: str) -> Bodies:
        if path in self.taken_at:
            return self.taken_at[path]
        there = (bodies for pattern, bodies in self.taken_at_any if pattern.fullmatch(path))
        return next(there, self.usual)

    def _check(self, scope: Scope, headers: Headers, taken: Bodies) -> None:
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > taken.max_bytes:
            raise BodyTooLarge(limit=taken.max_bytes)
        has_body = length != "0" or "transfer-encoding" in headers
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        carries = scope["method"] in {"POST", "PUT", "PATCH"} and has_body
        if carries and media_type not in taken.media_types:
            raise UnsupportedMediaType(taken=taken.media_types)


class _Answer:
    """The way back: adds the headers every answer has and remembers the status."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self.send = send
        self.headers = headers
        self.status: int | None = None
        self.when_begun: Callable[[], None] | None = None

    def begin(self) -> None:
        """Make room for another request: by now nothing is held, however slowly this one reads."""
        if self.when_begun:
            self.when_begun()
            self.when_begun = None

    async def __call__(self, message: Message) -> None:
        """Send one part of the answer."""
        if message["type"] == "http.response.start":
            self.begin()
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self.headers.items():
                headers.setdefault(name, value)
            media_type = headers.get("content-type", "")
            if media_type.endswith("+xml"):
                headers["content-type"] = f"{media_type}; charset=utf-8"
        await self.send(message)
