"""Encrypting for one browser: a single `aes128gcm` record (RFC 8188, RFC 8291).

Of what a message costs, agreeing on a secret takes the most by far: one new key pair and one
multiplication on the curve, neither of which may be saved, since RFC 8291 section 3.1 wants a new
key pair for each message.
"""

import os
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# A push service need not take a body above 4096 bytes (RFC 8030 section 7.2), of which header,
# delimiter and tag take 103 (RFC 8291 section 4).
MAX_PAYLOAD_BYTES: Final = 3993
SALT_BYTES: Final = 16
RECORD_SIZE: Final = 4096

_CURVE: Final = ec.SECP256R1()
_ECDH: Final = ec.ECDH()
_HASH: Final = SHA256()
# The record size and the length of the key id (RFC 8188 section 2.1).
_SIZES: Final = RECORD_SIZE.to_bytes(4, "big") + bytes([65])
_LAST_RECORD: Final = b"\x02"
# The info strings of RFC 8291 section 3.4.
_SECRET_INFO: Final = b"WebPush: info\0"
_KEY_INFO: Final = b"Content-Encoding: aes128gcm\0"
_NONCE_INFO: Final = b"Content-Encoding: nonce\0"


def encrypt(
    payload: bytes,
    *,
    p256dh: bytes,
    auth: bytes,
    key: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Encrypt for one browser in a single record (RFC 8291 sections 3 and 4).

    Args:
        payload: 1 to 3993 bytes.
        p256dh: The browser's public key, an uncompressed point of 65 bytes.
        auth: The secret shared with the browser, 16 bytes.
        key: The sender's key of this one message; only test vectors give it.
        salt: 16 bytes of this one message; only test vectors give it.

    Returns:
        The body of the request: 103 bytes more than the payload.

    Raises:
        ValueError: The payload has no fitting size, or `p256dh` is not a point on P-256.
    """
    if not 0 < len(payload) <= MAX_PAYLOAD_BYTES:
        raise ValueError(f"A payload has 1 to {MAX_PAYLOAD_BYTES} bytes.")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, p256dh)
    key = key or ec.generate_private_key(_CURVE)
    salt = salt or os.urandom(SALT_BYTES)
    ours = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    secret = _derive(32, key.exchange(_ECDH, theirs), auth, _SECRET_INFO + p256dh + ours)
    content_key = _derive(16, secret, salt, _KEY_INFO)
    nonce = _derive(12, secret, salt, _NONCE_INFO)
    sealed = AESGCM(content_key).encrypt(nonce, payload + _LAST_RECORD, None)
    return salt + _SIZES + ours + sealed


def _derive(length: int, secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(_HASH, length, salt, info).derive(secret)
