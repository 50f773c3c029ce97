"""Bearer tokens: long, random, recognisable, and kept only as hashes."""

import hashlib
import secrets
from typing import Literal

TokenKind = Literal["device", "access", "phone", "key", "link", "calendar"]

PREFIXES: dict[TokenKind, str] = {
    "device": "gsd_",
    "access": "gsa_",
    "phone": "gsp_",
    "key": "gsk_",
    "link": "gsl_",
    "calendar": "gsc_",
}


def make_token(kind: TokenKind) -> str:
    """Make a token with 256 random bits; its prefix tells people and secret scanners its kind."""
    return PREFIXES[kind] + secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return the SHA-256 of a token, 32 bytes.

    A token is random and long, so a fast hash is safe: there is nothing to guess.
    """
    return hashlib.sha256(token.encode()).digest()
