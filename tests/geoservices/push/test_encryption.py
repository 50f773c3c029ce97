"""The encryption, beside the RFC's own message and another library's decryption."""

import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from geoservices import base64url
from geoservices.push.encryption import MAX_PAYLOAD_BYTES, encrypt
from local.browser import decrypt

VECTOR = json.loads(Path("tests/data/webpush/rfc-vectors.json").read_text(encoding="utf-8"))[
    "rfc8291"
]
BROWSER = ec.generate_private_key(ec.SECP256R1())
P256DH = BROWSER.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
AUTH = os.urandom(16)


def read_key(name: str) -> ec.EllipticCurvePrivateKey:
    """Read one of the vector's private keys."""
    number = int.from_bytes(base64url.decode(VECTOR[name]))
    return ec.derive_private_key(number, ec.SECP256R1())


def test_the_message_of_the_rfc_comes_out_byte_by_byte() -> None:
    """RFC 8291 section 5, with the keys and the salt of appendix A."""
    body = encrypt(
        VECTOR["plaintext"].encode(),
        p256dh=base64url.decode(VECTOR["ua_public"]),
        auth=base64url.decode(VECTOR["auth_secret"]),
        key=read_key("as_private"),
        salt=base64url.decode(VECTOR["salt"]),
    )

    assert body == base64url.decode(VECTOR["body"])


@given(st.integers(1, MAX_PAYLOAD_BYTES))
@example(1)
@example(MAX_PAYLOAD_BYTES)
def test_http_ece_reads_every_size(size: int) -> None:
    """One record, 103 bytes more than the payload, and nobody reads it with another secret."""
    plain = os.urandom(size)

    body = encrypt(plain, p256dh=P256DH, auth=AUTH)

    assert decrypt(body, private_key=BROWSER, auth=AUTH) == plain
    assert len(body) == size + 103


def test_no_two_bodies_share_salt_or_key() -> None:
    """RFC 8291 section 3.1 wants a key pair of its own for each message."""
    bodies = [encrypt(b"x", p256dh=P256DH, auth=AUTH) for _ in range(50)]

    assert len({body[:16] for body in bodies}) == 50
    assert len({body[21:86] for body in bodies}) == 50


@pytest.mark.parametrize("size", [0, MAX_PAYLOAD_BYTES + 1])
def test_a_size_that_does_not_fit_is_refused(size: int) -> None:
    """An empty message says nothing, and a longer one would take a second record."""
    with pytest.raises(ValueError, match="3993"):
        encrypt(bytes(size), p256dh=P256DH, auth=AUTH)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x04", id="the form alone"),
        pytest.param(b"\x04" + b"\x01" * 64, id="off the curve"),
        pytest.param(b"\x00", id="infinity"),
        pytest.param(P256DH[:-1], id="too short"),
    ],
)
def test_a_key_that_is_no_point_is_refused(key: bytes) -> None:
    """Off the curve, at infinity or too short."""
    with pytest.raises(ValueError, match=r".*"):
        encrypt(b"x", p256dh=key, auth=AUTH)
