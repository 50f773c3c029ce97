"""What a service worker shows to be believed about one delivery: its id, sealed."""

import hmac
import re
from typing import Final
from uuid import UUID

from geoservices import base64url
from geoservices.keyring import derive

_VERSION: Final = b"\x01"
_ID_BYTES: Final = 16
_SEAL_BYTES: Final = 16
_FORM: Final = re.compile(r"[A-Za-z0-9_-]{44}")


def derive_key(code_key: bytes) -> bytes:
    """Return the key of receipts, made from the one that seals codes.

    A key of their own, as no token of one kind may pass for one of another. Without the key of
    codes it cannot be told (HMAC as a pseudo-random function, RFC 5869 section 2.3).
    """
    return derive(code_key, b"receipts")


def make_token(key: bytes, delivery_id: UUID) -> str:
    """Return the token of a delivery: 44 characters of base64url (RFC 4648 section 5).

    They are a version, the delivery's id, and the first 128 bits of the HMAC-SHA256 of both
    (RFC 2104 section 5 on truncating). Whoever reads it learns the id, which opens nothing.
    """
    told = _VERSION + delivery_id.bytes
    return base64url.encode(told + _seal(key, told))


def read_token(key: bytes, text: str) -> UUID | None:
    """Return the delivery a token speaks of, or None if this key did not seal it."""
    if not _FORM.fullmatch(text):
        return None
    raw = base64url.decode(text)
    told, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
    is_sealed = hmac.compare_digest(_seal(key, told), seal)
    return UUID(bytes=told[-_ID_BYTES:]) if is_sealed and told[:1] == _VERSION else None


def _seal(key: bytes, told: bytes) -> bytes:
    return hmac.digest(key, told, "sha256")[:_SEAL_BYTES]
