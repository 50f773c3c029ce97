"""Where somebody tries to sign in from, told apart without keeping addresses."""

import hmac
import secrets
from typing import Final
from uuid import UUID

from geoservices import base64url

STRANGERS: Final = b""
"""The source of whoever has not signed in to the account before."""
_NONCE_BYTES: Final = 16
_SEAL_BYTES: Final = 16


def mark_of(key: bytes, username: str) -> bytes:
    """Return 32 bytes that stand for a username; what is typed there may be a password."""
    return hmac.digest(key, b"username\0" + username.encode(), "sha256")


def make_pass(key: bytes, person_id: UUID) -> str:
    """Return what tells a browser apart that has signed in to an account: 43 characters.

    It opens nothing. It lets the browser's wrong attempts count for themselves, so that nobody
    else's make it wait (OWASP, Slow Down Online Guessing Attacks with Device Cookies).
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64url.encode(nonce + _seal(key, person_id, nonce))


def source_of(key: bytes, person_id: UUID | None, shown: str | None) -> bytes:
    """Return which browser a pass stands for, or that of strangers if it is not the account's."""
    if person_id is None or shown is None or len(shown) > 2 * (_NONCE_BYTES + _SEAL_BYTES):
        return STRANGERS
    try:
        raw = base64url.decode(shown)
    except ValueError:
        return STRANGERS
    nonce, seal = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
    is_ours = hmac.compare_digest(seal, _seal(key, person_id, nonce))
    return nonce if is_ours and len(nonce) == _NONCE_BYTES else STRANGERS


def _seal(key: bytes, person_id: UUID, nonce: bytes) -> bytes:
    told = b"browser\0" + person_id.bytes + nonce
    return hmac.digest(key, told, "sha256")[:_SEAL_BYTES]
