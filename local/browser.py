"""A browser as far as Web Push goes: it subscribes, waits for messages and decrypts them.

It stands in for a real one in the demo and the tests. Its private key never leaves it, so what
it can read was encrypted for it and for nobody else (RFC 8291).
"""

import json
import secrets
import ssl
import time
from datetime import timedelta
from types import TracebackType
from typing import Self

import http_ece
import httpx2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.pushrules import decode, encode

AUTH_BYTES = 16
# The push service answers a waiting request after a minute at the latest.
LONGEST_POLL = timedelta(seconds=30)
ANSWER_WITHIN = timedelta(seconds=10)
# The push service on loopback speaks no TLS, and loading the machine's authorities takes 40 ms.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def decrypt(body: bytes, *, private_key: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """Decrypt a message as a browser does (RFC 8291 section 3.4, RFC 8188 section 2).

    Raises:
        http_ece.ECEException: It was not encrypted for this key and secret.
    """
    plain: bytes = http_ece.decrypt(
        body, private_key=private_key, auth_secret=auth, version="aes128gcm"
    )
    return plain


class Browser:
    """One browser with one subscription at the push service."""

    def __init__(self, push_service: str) -> None:
        self._client = httpx2.Client(
            base_url=push_service,
            trust_env=False,
            verify=NO_TLS,
            timeout=(LONGEST_POLL + ANSWER_WITHIN).total_seconds(),
        )
        self._private_key = ec.generate_private_key(ec.SECP256R1())
        self._auth = secrets.token_bytes(AUTH_BYTES)
        self._token = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections; the subscription lives on."""
        self._client.close()

    def subscribe(self, application_server_key: str) -> dict[str, object]:
        """Subscribe and return the JSON form of a `PushSubscription` (W3C Push API, section 8).

        New keys are made, so that messages for an earlier subscription can no longer be read.
        """
        self._private_key = ec.generate_private_key(ec.SECP256R1())
        self._auth = secrets.token_bytes(AUTH_BYTES)
        body = {"applicationServerKey": application_server_key}
        answer = self._client.post("/subscribe", json=body).raise_for_status().json()
        self._token = answer["token"]
        point = self._private_key.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        return {
            "endpoint": answer["endpoint"],
            "expirationTime": None,
            "keys": {"p256dh": encode(point), "auth": encode(self._auth)},
        }

    def unsubscribe(self) -> None:
        """End the subscription: pushes to it are answered with 410 from now on."""
        self._client.delete(f"/subscriptions/{self._token}").raise_for_status()

    def messages(self, *, wait: timedelta = timedelta(0)) -> list[dict[str, object]]:
        """Return the messages that are there, waiting for the first if need be.

        Each is the JSON that was sent, with `received_at` (when the push service took it in) and
        `topic` added. They are acknowledged, so no message is returned twice.

        Raises:
            http_ece.ECEException: A message was not encrypted for this browser.
        """
        seconds = min(wait, LONGEST_POLL).total_seconds()
        path = f"/subscriptions/{self._token}/messages"
        answer = self._client.get(path, params={"wait": seconds}).raise_for_status()
        return [self._open(message) for message in answer.json()]

    def wait_for(self, count: int, *, within: timedelta = ANSWER_WITHIN) -> list[dict[str, object]]:
        """Return messages once there are at least `count`.

        Raises:
            TimeoutError: There were fewer.
        """
        give_up_at = time.monotonic() + within.total_seconds()
        found: list[dict[str, object]] = []
        while len(found) < count:
            left = give_up_at - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{len(found)} of {count} messages came within {within}.")
            found += self.messages(wait=timedelta(seconds=left))
        return found

    def _open(self, message: dict[str, str]) -> dict[str, object]:
        plain = decrypt(decode(message["body"]), private_key=self._private_key, auth=self._auth)
        forgotten = self._client.delete(f"/messages/{message['id']}")
        # A newer one with the same topic may have taken its place meanwhile.
        if forgotten.status_code != httpx2.codes.NOT_FOUND:
            forgotten.raise_for_status()
        return {
            **json.loads(plain),
            "received_at": message["received_at"],
            "topic": message["topic"],
        }
