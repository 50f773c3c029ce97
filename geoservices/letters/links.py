"""What stands in a letter's links, and what an address is known by without being told."""

import hmac
import secrets
from typing import Final
from uuid import UUID

from geoservices import base64url

_ID_BYTES: Final = 16
_SEAL_BYTES: Final = 16
_LONGEST_TOKEN: Final = 100


def make_confirmation_token() -> str:
    """Make what only the reader of a letter knows: 256 random bits, 43 characters of base64url."""
    return secrets.token_urlsafe(32)


def make_unsubscribe_token(key: bytes, address_id: UUID) -> str:
    """Return what ends the digests to an address, without its person's device.

    It is the address's id and the first 128 bits of the HMAC-SHA256 of it (RFC 2104 section 5), in
    base64url: 43 characters. A new address has a new id, so what stands in old letters to another
    address ends nothing.
    """
    raw = address_id.bytes + _seal(key, "unsubscribe", address_id.bytes)[:_SEAL_BYTES]
    return base64url.encode(raw)


def read_unsubscribe_token(key: bytes, text: str) -> UUID | None:
    """Return whose digests shall end, or None if this key did not seal the token."""
    if len(text) > _LONGEST_TOKEN or not text.isascii():
        return None
    try:
        raw = base64url.decode(text)
    except ValueError:
        return None
    told, seal = raw[:_ID_BYTES], raw[_ID_BYTES:]
    expected = _seal(key, "unsubscribe", told)[:_SEAL_BYTES]
    is_sealed = hmac.compare_digest(seal, expected)
    return UUID(bytes=told) if is_sealed and len(told) == _ID_BYTES else None


def mark_of(key: bytes, address: str) -> bytes:
    """Return 32 bytes that are the same for the same address, however its letters are written."""
    return _seal(key, "address", address.lower().encode())


def _seal(key: bytes, use: str, told: bytes) -> bytes:
    """Return the seal of some bytes for one use, so that no token passes for one of another use."""
    return hmac.digest(key, use.encode() + b"\0" + told, "sha256")
