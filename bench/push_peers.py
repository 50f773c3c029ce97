"""What pushes are measured against: pywebpush as its manual uses it, and what nobody can save."""

import os
from collections.abc import Sequence

import requests
from cryptography.hazmat.primitives.asymmetric import ec
from pywebpush import WebPusher, webpush

from geoservices import base64url
from geoservices.push.gateway import Envelope
from geoservices.settings.sending import PushSettings

CURVE = ec.SECP256R1()
TIMEOUT_S = 10.0


def agree(times: int) -> None:
    """Make a key pair and multiply on the curve: the least that a message costs (RFC 8291)."""
    theirs = ec.generate_private_key(CURVE).public_key()
    for _ in range(times):
        ec.generate_private_key(CURVE).exchange(ec.ECDH(), theirs)


def encode_all(envelopes: Sequence[Envelope]) -> None:
    """Encrypt with pywebpush."""
    for envelope in envelopes:
        WebPusher(_subscription(envelope)).encode(envelope.payload, content_encoding="aes128gcm")


def webpush_all(
    envelopes: Sequence[Envelope],
    settings: PushSettings,
    session: requests.Session | None = None,
) -> None:
    """Send one after the other, with a connection for each unless there is a session.

    Raises:
        WebPushException: One was refused.
    """
    # requests takes its authorities from the environment, and webpush() hands on no others.
    os.environ["REQUESTS_CA_BUNDLE"] = str(settings.ca_file)
    for envelope in envelopes:
        webpush(
            _subscription(envelope),
            data=envelope.payload.decode("utf-8"),
            vapid_private_key=settings.vapid_private_key.get_secret_value(),
            vapid_claims={"sub": settings.vapid_contact},
            ttl=int(envelope.ttl.total_seconds()),
            headers={"Urgency": envelope.urgency, "Topic": envelope.topic},
            timeout=TIMEOUT_S,
            requests_session=session,
        )


def _subscription(envelope: Envelope) -> dict[str, object]:
    keys = {"p256dh": base64url.encode(envelope.p256dh), "auth": base64url.encode(envelope.auth)}
    return {"endpoint": envelope.endpoint, "keys": keys}
