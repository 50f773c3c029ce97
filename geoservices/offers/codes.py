"""Codes by which an offer is redeemed once: shown as a QR code and as text that can be typed."""

import hmac
from typing import Final
from uuid import UUID

from geoservices.accounts.joining_codes import ALPHABET, LENGTH, read_code
from geoservices.keyring import derive

PREFIX: Final = "GSR-"
"""What a QR code begins with, so that a scanner knows it from a person's own code."""
_BITS: Final = 5


def code_of(key: bytes, redemption_id: UUID) -> str:
    """Return the code of a redemption, which follows from its id and so is kept nowhere.

    It is the first 40 bits of an HMAC-SHA256 in Crockford's base 32: 1.1e12 codes, each as likely.
    decisions/0041 says what guessing yields.

    Args:
        key: The service's own, which seals codes at places.
        redemption_id: Whose code it is.
    """
    sealed = hmac.digest(derive(key, b"redemption code"), redemption_id.bytes, "sha256")
    bits = int.from_bytes(sealed, "big") >> (len(sealed) * 8 - LENGTH * _BITS)
    places = range((LENGTH - 1) * _BITS, -1, -_BITS)
    return "".join(ALPHABET[(bits >> place) % len(ALPHABET)] for place in places)


def mark_of(key: bytes, code: str) -> bytes:
    """Return the 32 bytes by which a code is known to whoever has the key."""
    return hmac.digest(derive(key, b"redemption mark"), code.encode(), "sha256")


def scanned_form(code: str) -> str:
    """Return what the QR code of a code says."""
    return PREFIX + code


def read_redemption_code(text: str) -> str | None:
    """Return the code that staff scanned or typed, None if it cannot be one.

    Typed, it is read as `read_code` has it: small letters, spaces and hyphens are as good.
    """
    return read_code(text) or read_code(text.strip().upper().removeprefix(PREFIX))
