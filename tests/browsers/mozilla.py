"""A push service for Firefox on loopback: its own protocol on one side, RFC 8030 on the other.

Firefox holds a WebSocket (subprotocol `push-notification`) open, on which it subscribes and gets
its messages: the protocol of Mozilla's autopush. What pushers send is judged as strictly as the
demo's push service does.
"""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web
from typing_extensions import override

from local.pushrules import decode, encode
from local.pushservice import MAX_REQUEST_BYTES, PushService
from local.pushstate import Subscription

DELIVERED = 100


@dataclass(slots=True)
class Agent:
    """One Firefox: its channels with their push resources, and its connection if it is there."""

    channels: dict[str, str] = field(default_factory=dict)
    socket: web.WebSocketResponse | None = None


class MozillaService(PushService):
    """Mozilla's kind of push service."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._agents: dict[str, Agent] = {}
        self._codes: list[int] = []

    @override
    def make_app(self) -> web.Application:
        """Return the application with its routes."""
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.add_routes(
            [
                web.get("/", self.talk),
                web.post("/wpush/v2/{token}", self.push),
                web.post("/faults", self.plan_faults),
                web.get("/log", self.show_log),
                web.get("/acknowledgements", self.show_acknowledgements),
                web.post("/forget-agents", self.forget_agents),
            ]
        )
        return app

    @override
    async def push(self, request: web.Request) -> web.StreamResponse:
        """Take a message in, and bring it to Firefox if it is there."""
        answer = await super().push(request)
        token = request.match_info["token"]
        for agent in self._agents.values():
            if token in agent.channels.values():
                await self._bring(agent)
        return answer

    async def show_acknowledgements(self, _request: web.Request) -> web.Response:
        """Show how Firefox got on with its messages; 100 is delivered, 101 cannot be decrypted."""
        return web.json_response(self._codes)

    async def forget_agents(self, _request: web.Request) -> web.Response:
        """Lose every registration, as Mozilla's does when a browser's id has gone stale."""
        agents, self._agents = self._agents, {}
        for agent in agents.values():
            for token in agent.channels.values():
                self._subscriptions[token].ended = True
            if agent.socket is not None:
                await agent.socket.close()
        return web.Response(status=204)

    async def talk(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection of a Firefox."""
        socket = web.WebSocketResponse(protocols=["push-notification"])
        await socket.prepare(request)
        agent = Agent()
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            said = json.loads(frame.data)
            kind = said.get("messageType")
            if kind == "hello":
                agent = await self._greet(socket, said)
            elif kind == "register":
                await socket.send_json(self._register(agent, said))
            elif kind == "unregister":
                await socket.send_json(self._unregister(agent, said))
            elif kind == "ack":
                self._forget_messages(agent, said)
            elif said == {}:
                await socket.send_json({})
        if agent.socket is socket:
            self._listen(agent, None)
        return socket

    async def _greet(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> Agent:
        """Recognise a Firefox by its id; a new id makes it drop what it had registered."""
        uaid = said.get("uaid", "")
        if uaid not in self._agents:
            uaid = secrets.token_hex(16)
        agent = self._agents.setdefault(uaid, Agent())
        self._listen(agent, socket)
        # Without `use_webpush` Firefox makes no keys.
        await socket.send_json(
            {
                "messageType": "hello",
                "uaid": uaid,
                "status": 200,
                "use_webpush": True,
                "broadcasts": {},
            }
        )
        await self._bring(agent)
        return agent

    def _register(self, agent: Agent, said: dict[str, Any]) -> dict[str, Any]:
        """Make a push resource, once for each channel: Firefox asks again after a reconnect."""
        channel = said["channelID"]
        if channel not in agent.channels:
            token = agent.channels[channel] = secrets.token_urlsafe(24)
            self._subscriptions[token] = Subscription(server_key=decode(said["key"].rstrip("=")))
            self._listen(agent, agent.socket)
        return {
            "messageType": "register",
            "channelID": channel,
            "status": 200,
            "pushEndpoint": f"{self.url}/wpush/v2/{agent.channels[channel]}",
        }

    def _unregister(self, agent: Agent, said: dict[str, Any]) -> dict[str, Any]:
        token = agent.channels.pop(said["channelID"], None)
        if token is not None:
            self._subscriptions[token].ended = True
        return {"messageType": "unregister", "channelID": said["channelID"], "status": 200}

    def _listen(self, agent: Agent, socket: web.WebSocketResponse | None) -> None:
        agent.socket = socket
        for token in agent.channels.values():
            self._subscriptions[token].listeners = 0 if socket is None else 1

    async def _bring(self, agent: Agent) -> None:
        """Send what waits; it stays until it is acknowledged, and goes out again if it is not."""
        if agent.socket is None:
            return
        for channel, token in list(agent.channels.items()):
            for message in self._subscriptions[token].messages.values():
                await agent.socket.send_json(
                    {
                        "messageType": "notification",
                        "channelID": channel,
                        "version": message.id,
                        "ttl": int(message.ttl.total_seconds()),
                        "data": encode(message.body),
                        "headers": {"encoding": "aes128gcm"},
                    }
                )

    def _forget_messages(self, agent: Agent, said: dict[str, Any]) -> None:
        for update in said["updates"]:
            self._codes.append(update["code"])
            token = agent.channels.get(update["channelID"], "")
            if token:
                self._subscriptions[token].messages.pop(update["version"], None)
