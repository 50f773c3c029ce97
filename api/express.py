"""The short way for ordinary requests with pings, which are nearly all there are.

`POST /v1/pings` is a route like any other, with its schemas, refusals and documentation. Routing,
validation and dependencies cost more than storing a ping does, so what is well-formed is answered
here, in front of them. Whatever is not, in the least, goes the long way, which finds the words.
"""

from uuid import uuid4

from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.headers import of_service
from api.wire import answer, read_pings, write
from geoservices.accounts.tokens import PREFIXES, hash_token
from geoservices.receiving import Sent, doors
from geoservices.settings.service import Settings

PATH = "/v1/pings"
BEARER = b"Bearer " + PREFIXES["device"].encode()
BYTES_A_PING = 400
"""The longest a ping is ordinarily; nobody's token is known before the body is read."""
USUAL_TYPES = (b"application/json", b"application/json; charset=utf-8")


class Express:
    """Answers ordinary requests with pings, and hands on everything else."""

    def __init__(self, app: ASGIApp, state: State, settings: Settings) -> None:
        """Stand before an application.

        Args:
            app: The long way.
            state: The application's; its committer is asked for at each request, as by the route.
            settings: The service's.
        """
        self.app = app
        self.state = state
        self.intake = settings.intake
        self.doors = doors(settings)
        self.headers = [
            (name.lower().encode(), value.encode())
            for name, value in of_service(settings.public_url).items()
        ]
        self.refused = {b"origin"} if settings.cors_origins else set()
        self.most = min(self.intake.max_body_bytes, self.intake.max_batch * BYTES_A_PING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as ASGI asks."""
        token = self._device_token(scope)
        if token is None:
            await self.app(scope, receive, send)
            return
        messages = await self._read(receive)
        body = b"".join([message.get("body", b"") for message in messages])
        written = await self._take_in(token, body)
        if written is None:
            await self.app(scope, _replaying(messages, receive), send)
            return
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(len(written)).encode()),
                    (b"x-request-id", uuid4().hex.encode()),
                    *self.headers,
                ],
            }
        )
        await send({"type": "http.response.body", "body": written})

    async def _take_in(self, token: str, body: bytes) -> bytes | None:
        """Take in a body and return the answer; None if it is for the long way to answer."""
        if len(body) > self.intake.max_body_bytes:
            return None
        pings = read_pings(body)
        if pings is None or len(pings) > self.intake.max_batch:
            return None
        try:
            await self.state.throttle.count_token(b"Bearer " + token.encode())
            sent = Sent(token_hash=hash_token(token), pings=pings)
            intake = await self.state.committer.take_in(sent)
        except Exception:  # noqa: BLE001  # The long way meets it again, logs and answers it.
            return None
        return write(answer(pings, intake, doors=self.doors))

    async def _read(self, receive: Receive) -> list[Message]:
        """Read the body to its end, or until it is larger than is taken."""
        messages: list[Message] = []
        size = 0
        more = True
        while more and size <= self.intake.max_body_bytes:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        return messages

    def _device_token(self, scope: Scope) -> str | None:
        """Return the device's token of an ordinary request with pings; None for any other."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            return None
        token: str | None = None
        media_type, length = b"", -1
        for name, value in scope["headers"]:
            if name in self.refused:
                return None
            if name == b"authorization":
                if token is not None or not value.startswith(BEARER) or not value.isascii():
                    return None
                token = value[len(b"Bearer ") :].decode()
            elif name == b"content-type":
                media_type = b"" if media_type else value.lower()
            elif name == b"content-length" and value.isdigit():
                length = int(value[:20])
        return token if media_type in USUAL_TYPES and 0 <= length <= self.most else None


def _replaying(messages: list[Message], receive: Receive) -> Receive:
    """Return a way to receive what was read once more, and then the rest."""
    waiting = iter(messages)

    async def replay() -> Message:
        return next(waiting, None) or await receive()

    return replay
