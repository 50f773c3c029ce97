"""What happens to every request before routing: an id, the body's limit, the access log."""

import json
import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

JSON_TYPES = ("application/json", "application/geo+json")


class Door:
    """Gives each request an id, refuses bodies that are too large or no JSON, and logs."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as ASGI asks."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        answer = _Answer(send, request_id)
        started = time.perf_counter()
        try:
            await self._admit(scope, receive, answer)
        finally:
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=answer.status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )

    async def _admit(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        headers = Headers(scope=scope)
        fault = self._fault(scope, headers)
        if fault:
            await answer.refuse(scope, *fault)
            return
        body = await self._read(receive)
        if body is None:
            await answer.refuse(scope, *self._too_large())
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.app(scope, replay, answer)

    async def _read(self, receive: Receive) -> bytes | None:
        """Read the body whole, or return None once it is larger than is taken."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.max_body_bytes:
                return None
        return bytes(body)

    def _fault(self, scope: Scope, headers: Headers) -> tuple[int, str, str, str] | None:
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self.max_body_bytes:
            return self._too_large()
        has_body = length != "0" or "transfer-encoding" in headers
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if (
            scope["method"] in {"POST", "PUT", "PATCH"}
            and has_body
            and media_type not in JSON_TYPES
        ):
            wanted = " or ".join(JSON_TYPES)
            return (
                415,
                "unsupported-media-type",
                "The body's type is not taken here",
                f"Send the body as {wanted}.",
            )
        return None

    def _too_large(self) -> tuple[int, str, str, str]:
        return (
            413,
            "body-too-large",
            "The body is too large",
            f"At most {self.max_body_bytes} bytes are taken.",
        )


class _Answer:
    """The way back: adds the headers every answer has and remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.send = send
        self.request_id = request_id
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        """Send one part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.request_id
            headers["X-Content-Type-Options"] = "nosniff"
            headers.setdefault("Cache-Control", "no-store")
        await self.send(message)

    async def refuse(self, scope: Scope, status: int, code: str, title: str, detail: str) -> None:
        """Answer with a problem document, unless an answer has begun."""
        if self.status is not None:
            return
        document = {
            "type": f"/problems/{code}",
            "title": title,
            "status": status,
            "detail": detail,
            "instance": scope["path"],
            "request_id": self.request_id,
        }
        # The rest of an unread body is not waited for.
        headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": json.dumps(document).encode()})
