"""A push service for Chromium on loopback: Google's protocols on one side, RFC 8030 on the other.

Chromium checks in, registers, and holds a TLS connection (MCS) open on which its messages come.
What pushers send is judged as strictly as the demo's push service does. Chromium believes its
endpoints to be at a host of Google's; `to_loopback` says where they are.
"""

import asyncio
import secrets
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from typing_extensions import override

from local.pushrules import decode
from local.pushservice import MAX_REQUEST_BYTES, PushService
from local.pushstate import Message, Subscription
from tests.browsers import protobuf

MCS_VERSION = 41
PING, PING_ACK, LOGIN, LOGIN_RESPONSE, CLOSE, DATA = 0, 1, 2, 3, 4, 8
LOGIN_ID = 1


@dataclass(frozen=True, slots=True)
class Application:
    """For whom a token is: Chromium's name for the subscription, and the pusher's key."""

    app: str
    subtype: str
    sender: str


def to_loopback(endpoint: str, service_url: str) -> str:
    """Return where an endpoint that Chromium gave out really leads in these tests."""
    return f"{service_url}{urlsplit(endpoint).path}"


class GoogleService(PushService):
    """Google's kind of push service."""

    def __init__(self, *, tls: ssl.SSLContext, **given: Any) -> None:
        super().__init__(**given)
        self.mcs_port = 0
        self._tls = tls
        self._applications: dict[str, Application] = {}
        self._connections: set[asyncio.StreamWriter] = set()

    @override
    def make_app(self) -> web.Application:
        """Return the application with its routes, which also listens for Chromium's connection."""
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.add_routes(
            [
                web.post("/checkin", self.check_in),
                web.post("/register3", self.register),
                web.post("/fcm/send/{token}", self.push),
                web.post("/wp/{token}", self.push),
                web.post("/faults", self.plan_faults),
                web.get("/log", self.show_log),
                web.get("/mcs-port", self.show_port),
            ]
        )
        app.cleanup_ctx.append(self._listening)
        return app

    async def _listening(self, _app: web.Application) -> Any:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=self._tls)
        self.mcs_port = server.sockets[0].getsockname()[1]
        yield
        for connection in self._connections:
            connection.close()
        server.close()

    async def show_port(self, _request: web.Request) -> web.Response:
        """Tell where Chromium is to connect."""
        return web.json_response(self.mcs_port)

    async def check_in(self, _request: web.Request) -> web.Response:
        """Give a browser its number and its secret (AndroidCheckinResponse)."""
        answer = protobuf.write((1, True), (3, int(time.time() * 1000)), (9, False))
        answer += protobuf.write_fixed64(7, secrets.randbits(62))
        answer += protobuf.write_fixed64(8, secrets.randbits(62))
        return web.Response(body=answer, content_type="application/x-protobuf")

    async def register(self, request: web.Request) -> web.Response:
        """Give out a token for an application's key, the same one again, or take it away."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        wanted = Application(form["app"], form.get("X-subtype", ""), form.get("sender", ""))
        if form.get("delete") == "true":
            self._end(wanted)
            return web.Response(text=f"deleted={wanted.app}")
        for token, application in self._applications.items():
            if application == wanted and not self._subscriptions[token].ended:
                return web.Response(text=f"token={token}")
        token = secrets.token_urlsafe(24)
        self._applications[token] = wanted
        self._subscriptions[token] = Subscription(server_key=_key_of(wanted.sender))
        self._subscriptions[token].listeners = len(self._connections)
        return web.Response(text=f"token={token}")

    @override
    async def push(self, request: web.Request) -> web.StreamResponse:
        """Take a message in, and bring it to Chromium if it is there."""
        answer = await super().push(request)
        for connection in self._connections:
            await self._bring(connection)
        return answer

    def _end(self, ended: Application) -> None:
        for token, application in self._applications.items():
            if (application.app, application.subtype) == (ended.app, ended.subtype):
                self._subscriptions[token].ended = True

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: a version byte, then frames of tag, length and message."""
        try:
            await reader.readexactly(1)
            while True:
                tag, message = await _read_frame(reader)
                if tag == LOGIN:
                    writer.write(bytes([MCS_VERSION]))
                    _write_frame(writer, LOGIN_RESPONSE, _answer_login(protobuf.read(message)))
                    self._connections.add(writer)
                    self._listen()
                    await self._bring(writer)
                elif tag == PING:
                    _write_frame(writer, PING_ACK, b"")
                elif tag == CLOSE:
                    break
        except (asyncio.IncompleteReadError, OSError):
            pass  # Chromium has gone.
        self._connections.discard(writer)
        self._listen()
        writer.close()

    def _listen(self) -> None:
        for token in self._applications:
            self._subscriptions[token].listeners = len(self._connections)

    async def _bring(self, connection: asyncio.StreamWriter) -> None:
        """Send what waits. Chromium has it once TCP has, as far as these tests go."""
        for token, application in self._applications.items():
            waiting = self._subscriptions[token].messages
            for message in waiting.values():
                _write_frame(connection, DATA, _stanza(application, message))
            await connection.drain()
            waiting.clear()


def _key_of(sender: str) -> bytes:
    """Read the pusher's key; Chromium's own registrations name a number instead."""
    try:
        return decode(sender)
    except ValueError:
        return b""


def _answer_login(login: dict[int, list[protobuf.Value]]) -> bytes:
    [id_] = login[LOGIN_ID]
    return protobuf.write((1, id_), (2, "jid"), (5, 1), (8, int(time.time() * 1000)))


def _stanza(application: Application, message: Message) -> bytes:
    """Write a DataMessageStanza, the body of the POST as its raw data."""
    told = {"subtype": application.subtype, "content-encoding": "aes128gcm"}
    return protobuf.write(
        (3, application.sender),
        (5, application.app),
        *((7, protobuf.write((1, key), (2, value))) for key, value in told.items()),
        (9, message.id),
        (17, int(message.ttl.total_seconds())),
        (18, int(message.received_at.timestamp() * 1000)),
        (21, message.body),
    )


async def _read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    tag = (await reader.readexactly(1))[0]
    length = bytearray()
    while not length or length[-1] >= 0x80:
        length += await reader.readexactly(1)
    size, _ = protobuf.read_varint(bytes(length), 0)
    return tag, await reader.readexactly(size)


def _write_frame(writer: asyncio.StreamWriter, tag: int, message: bytes) -> None:
    writer.write(bytes([tag]) + protobuf.write_varint(len(message)) + message)
