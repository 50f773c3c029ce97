"""Help for tests of sending: sound envelopes, and push services that misbehave."""

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from uuid import uuid4

import httpx2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from geoservices.push.endpoints import check_keys
from geoservices.push.gateway import Envelope, Outcome, WebPushGateway
from geoservices.push.vapid import make_vapid_key, vapid_public_key
from geoservices.settings.sending import PushSettings
from local.browser import NO_TLS, Browser

PAYLOAD = b'{"web_push":8030,"notification":{"title":"Meter reading","navigate":"https://x.test/"}}'

SETTINGS = PushSettings(
    vapid_private_key=SecretStr(make_vapid_key()),
    vapid_contact="mailto:push@geoservices.example",
    allow_loopback=True,
)
IMPATIENT = SETTINGS.model_copy(update={"timeout": timedelta(seconds=1)})
"""For pushes that time out; what is answered has more time, as the machine may be busy."""


def make_envelope(browser: Browser, **changes: object) -> Envelope:
    """Subscribe the browser and address a sound message to it."""
    subscription = browser.subscribe(vapid_public_key(SETTINGS))
    keys = subscription["keys"]
    assert isinstance(keys, dict)
    p256dh, auth = check_keys(keys["p256dh"], keys["auth"])
    envelope = address_to(str(subscription["endpoint"]), p256dh=p256dh, auth=auth)
    return replace(envelope, **changes)  # type: ignore[arg-type]


def plan(envelope: Envelope, **fault: object) -> None:
    """Have the push service misbehave towards this envelope's subscription."""
    base, token = envelope.endpoint.split("/push/")
    fault = {"token": token, **fault}
    httpx2.post(f"{base}/faults", json=[fault], verify=NO_TLS).raise_for_status()


def logged(envelope: Envelope) -> list[dict[str, object]]:
    """Return the pushes that reached this envelope's subscription."""
    base, token = envelope.endpoint.split("/push/")
    log = httpx2.get(f"{base}/log", verify=NO_TLS).raise_for_status().json()
    return [entry for entry in log if entry["token"] == token]


def address_to(endpoint: str, **changes: object) -> Envelope:
    """Address a sound message to an endpoint of nobody's."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    envelope = Envelope(
        delivery_id=uuid4(),
        endpoint=endpoint,
        p256dh=key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        auth=bytes(16),
        vapid_key=vapid_public_key(SETTINGS),
        payload=PAYLOAD,
        ttl=timedelta(minutes=10),
        urgency="high",
        topic=uuid4().hex,
    )
    return replace(envelope, **changes)  # type: ignore[arg-type]


def send_one(envelope: Envelope, *, settings: PushSettings = SETTINGS) -> Outcome:
    """Send a single envelope."""
    [outcome] = WebPushGateway(settings).send([envelope])
    return outcome


@contextmanager
def answering(pieces: Iterable[bytes], *, pause_s: float = 0) -> Iterator[str]:
    """Answer one connection with these very bytes, then close it; yield an endpoint."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                try:
                    for piece in pieces:
                        connection.sendall(piece)
                        time.sleep(pause_s)
                except OSError:
                    return  # The sender hung up, as it may.

        thread = Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/push/x"
        thread.join()
