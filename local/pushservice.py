"""A small push service on loopback (RFC 8030), for the demo and the tests.

It keeps ciphertext only and holds nobody's private key. It is strict, so that a bad sender
fails; and it misbehaves on request (`POST /faults`), so that a good sender can be tried.
"""

import argparse
import asyncio
import hashlib
import json
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import TextIO

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from geoservices import clock
from local.pushfaults import Fault, misbehave
from local.pushrules import (
    Refused,
    check_body,
    check_vapid,
    decode,
    encode,
    load_public_key,
    read_wishes,
)
from local.pushstate import Message, Subscribing, Subscription

# Large enough to tell a body that is too large from one that is an attack.
MAX_REQUEST_BYTES = 64 * 1024
MAX_WAIT_S = 60.0
# A message that must not be kept stays long enough for the listener who is there to take it.
HANDING_OVER = timedelta(seconds=5)
STOP_WITHIN_S = 0.2


class PushService:
    """The service's state and its HTTP interface."""

    def __init__(self, *, log: TextIO | None = None) -> None:
        self.url = ""
        self._subscriptions: dict[str, Subscription] = {}
        self._faults: list[Fault] = []
        self._log: list[dict[str, object]] = []
        self._log_file = log

    def make_app(self) -> web.Application:
        """Return the application with its routes."""
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.add_routes(
            [
                web.post("/subscribe", self.subscribe),
                web.post("/push/{token}", self.push),
                web.get("/subscriptions/{token}/messages", self.hand_over),
                web.delete("/subscriptions/{token}", self.unsubscribe),
                web.delete("/messages/{id}", self.acknowledge),
                web.post("/faults", self.plan_faults),
                web.delete("/faults", self.forget_faults),
                web.get("/log", self.show_log),
            ]
        )
        return app

    async def subscribe(self, request: web.Request) -> web.Response:
        """Create a push resource bound to one application server key (RFC 8292 section 4.1)."""
        try:
            wanted = Subscribing.model_validate_json(await request.read())
            key = decode(wanted.application_server_key)
            load_public_key(key)
        except ValueError as error:
            return _refuse(400, f"applicationServerKey must be a P-256 point in base64url: {error}")
        token = secrets.token_urlsafe(24)
        self._subscriptions[token] = Subscription(server_key=key)
        return web.json_response(
            {"endpoint": f"{self.url}/push/{token}", "token": token}, status=201
        )

    async def unsubscribe(self, request: web.Request) -> web.Response:
        """End a subscription: from now on its endpoint answers 410."""
        subscription = self._subscriptions.get(request.match_info["token"])
        if subscription is None:
            return _refuse(404, "No such subscription")
        subscription.ended = True
        subscription.messages.clear()
        return web.Response(status=204)

    async def push(self, request: web.Request) -> web.StreamResponse:
        """Take a message in (RFC 8030 section 5), or misbehave as planned."""
        token, body = request.match_info["token"], await request.read()
        fault = self._next_fault(token)
        if fault is not None and not fault.store:
            self._note(request, body, status=fault.answered)
            return await misbehave(request, fault)
        try:
            message = self._take_in(token, request.headers, body, at=clock.now())
        except Refused as refusal:
            self._note(request, body, status=refusal.status)
            return _refuse(refusal.status, refusal.reason)
        if fault is None:
            self._note(request, body, status=201, message=message)
            return web.Response(status=201, headers=self._receipt(message))
        self._note(request, body, status=fault.answered, message=message)
        return await misbehave(request, fault, headers=self._receipt(message))

    async def hand_over(self, request: web.Request) -> web.Response:
        """Give a browser its messages, waiting for the first if need be.

        They stay until they are acknowledged, so that a browser that dies in between gets them
        again (RFC 8030 section 6.2).
        """
        subscription = self._subscriptions.get(request.match_info["token"])
        if subscription is None:
            return _refuse(404, "No such subscription")
        try:
            wait_s = min(float(request.query.get("wait", "0")), MAX_WAIT_S)
        except ValueError:
            return _refuse(400, "wait must be a number of seconds")
        messages = await _listen(subscription, wait_s)
        return web.json_response([_describe(message) for message in messages])

    async def acknowledge(self, request: web.Request) -> web.Response:
        """Forget a message that its browser has (RFC 8030 section 6.2)."""
        for subscription in self._subscriptions.values():
            if subscription.messages.pop(request.match_info["id"], None) is not None:
                return web.Response(status=204)
        return _refuse(404, "No such message")

    async def plan_faults(self, request: web.Request) -> web.Response:
        """Remember how to misbehave; the faults are used up in the order given."""
        try:
            faults = TypeAdapter(list[Fault]).validate_json(await request.read())
        except ValidationError as error:
            return _refuse(422, str(error))
        self._faults += [fault for fault in faults for _ in range(fault.times)]
        return web.Response(status=204)

    async def forget_faults(self, _request: web.Request) -> web.Response:
        """Behave from now on."""
        self._faults.clear()
        return web.Response(status=204)

    async def show_log(self, _request: web.Request) -> web.Response:
        """Show every push that came in, so that a test can hold it against the database."""
        return web.json_response(self._log)

    def _receipt(self, message: Message) -> dict[str, str]:
        """Return the headers of a 201 (RFC 8030 sections 5 and 5.2)."""
        return {"Location": f"{self.url}/messages/{message.id}", "TTL": _seconds(message.ttl)}

    def _next_fault(self, token: str) -> Fault | None:
        for index, fault in enumerate(self._faults):
            if fault.token in {None, token}:
                return self._faults.pop(index)
        return None

    def _take_in(
        self, token: str, headers: Mapping[str, str], body: bytes, *, at: datetime
    ) -> Message:
        subscription = self._subscriptions.get(token)
        if subscription is None:
            raise Refused(404, "No such subscription")
        if subscription.ended:
            raise Refused(410, "The subscription has ended")
        wishes = read_wishes(headers)
        check_body(headers, body)
        check_vapid(
            headers.get("Authorization"),
            server_key=subscription.server_key,
            audience=self.url,
            at=at,
        )
        message = Message(
            id=secrets.token_urlsafe(24),
            body=body,
            ttl=wishes.ttl,
            urgency=wishes.urgency,
            topic=wishes.topic,
            received_at=at,
            expires_at=at + (wishes.ttl or HANDING_OVER),
        )
        # A TTL of 0 is for a browser that is there this very moment (RFC 8030 section 5.2).
        if wishes.ttl or subscription.listeners:
            subscription.keep(message)
        return message

    def _note(
        self,
        request: web.Request,
        body: bytes,
        *,
        status: int | None,
        message: Message | None = None,
    ) -> None:
        """Write a push down before it is answered, with the answer that it will get."""
        entry: dict[str, object] = {
            "token": request.match_info["token"],
            "topic": request.headers.get("Topic"),
            "ttl": request.headers.get("TTL"),
            "urgency": request.headers.get("Urgency"),
            "status": status,
            "message_id": message.id if message else None,
            "at": clock.now().isoformat(timespec="milliseconds"),
            "body_bytes": len(body),
            "body_sha256": hashlib.sha256(body).hexdigest(),
        }
        self._log.append(entry)
        if self._log_file is not None:
            self._log_file.write(json.dumps(entry) + "\n")
            self._log_file.flush()


async def _listen(subscription: Subscription, wait_s: float) -> list[Message]:
    subscription.listeners += 1
    try:
        async with asyncio.timeout(wait_s):
            while not (found := subscription.waiting(at=clock.now())):
                subscription.arrived.clear()
                await subscription.arrived.wait()
    except TimeoutError:
        return []
    finally:
        subscription.listeners -= 1
    return found


def _seconds(ttl: timedelta) -> str:
    return f"{ttl.total_seconds():.0f}"


def _describe(message: Message) -> dict[str, object]:
    """Return what a browser is given: the ciphertext and what came with it."""
    return {
        "id": message.id,
        "body": encode(message.body),
        "headers": {
            "Content-Encoding": "aes128gcm",
            "TTL": _seconds(message.ttl),
            "Urgency": message.urgency,
        },
        "topic": message.topic,
        "received_at": message.received_at.isoformat(timespec="milliseconds"),
    }


def _refuse(status: int, reason: str) -> web.Response:
    return web.json_response({"reason": reason}, status=status)


async def serve(
    service: PushService,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    ready: Callable[[int], None],
) -> None:
    """Serve until `stop` is set; `ready` is told the port once the service can be called."""
    runner = web.AppRunner(service.make_app(), access_log=None, shutdown_timeout=STOP_WITHIN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound: int = runner.addresses[0][1]
        service.url = f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
        ready(bound)
        await stop.wait()
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a running push service can be reached."""

    url: str
    port: int


@contextmanager
def serving(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    log: Path | None = None,
    make: Callable[..., PushService] = PushService,
) -> Iterator[Address]:
    """Run a push service in a thread of this process, on a free port unless one is given.

    Args:
        host: Where it listens.
        port: On which port; a free one if 0.
        log: The file that gets a line of JSON for each push.
        make: What makes the service; it is given the `log`.

    Raises:
        OSError: The port is taken.
    """
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()
    with _appending_to(log) as file:
        service = make(log=file)

        async def run() -> None:
            stop, loop = asyncio.Event(), asyncio.get_running_loop()
            try:
                await serve(
                    service,
                    host=host,
                    port=port,
                    stop=stop,
                    ready=lambda bound: started.set_result((loop, stop, bound)),
                )
            except OSError as error:
                started.set_exception(error)

        thread = Thread(target=lambda: asyncio.run(run()), name="push-service")
        thread.start()
        loop, stop, bound = started.result()
        try:
            yield Address(url=service.url, port=bound)
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()


def _appending_to(log: Path | None) -> AbstractContextManager[TextIO | None]:
    return nullcontext() if log is None else log.open("a", encoding="utf-8")


async def _serve_until_told(service: PushService, *, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def announce(_bound: int) -> None:
        print(f"push service ready at {service.url}", flush=True)

    await serve(service, host=host, port=port, stop=stop, ready=announce)


def main() -> None:
    """Run the push service until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m local.pushservice", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    parser.add_argument("--port", type=int, default=0, help="a free one if 0")
    parser.add_argument("--log", type=Path, help="append a line of JSON for each push")
    options = parser.parse_args()
    with _appending_to(options.log) as file:
        service = PushService(log=file)
        asyncio.run(_serve_until_told(service, host=options.host, port=options.port))


if __name__ == "__main__":
    main()
