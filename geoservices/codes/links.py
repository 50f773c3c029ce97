"""What a code says: tokens made from a key and an id, so that nothing secret is stored."""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from geoservices.keyring import derive

STEP: Final = timedelta(seconds=30)
"""A rotating code changes this often (RFC 6238 section 5.2 recommends the same)."""
SKEW_STEPS: Final = 1
"""A code of so many steps before or after the present one still counts."""
PERSONAL_LIFETIME: Final = timedelta(minutes=2)
"""How long staff may take to scan a person's own code."""

PATH: Final = "/C/"
"""Where links lead; in capitals, as a QR code writes a link in capitals alone with fewer dots."""
SCREEN_PREFIX: Final = "gss_"
PERSONAL_PREFIX: Final = "GSP-"

_ID_BYTES = 16
_STEP_BYTES = 4
_SEAL_BYTES = 10
_SCREEN_SEAL_BYTES = 16
_KEY_BYTES = 32
_LONGEST_TEXT = 512


class CodeKind(StrEnum):
    """How a code is shown."""

    STATIC = "static"
    """Always the same: on a poster, or written to an NFC tag."""
    ROTATING = "rotating"
    """A new one in each step: on a screen at the desk."""


class CodeProblem(StrEnum):
    """Why a code that was shown speaks for nothing."""

    UNKNOWN = "code-unknown"
    OTHER_PLACE = "code-of-another-place"
    NOT_YET = "code-not-yet-valid"
    EXPIRED = "code-expired"
    REVOKED = "code-revoked"
    OUT_OF_DATE = "code-out-of-date"


PROBLEMS_IN_WORDS: Final = {
    CodeProblem.UNKNOWN: "The code is not one of ours. Scan it again, or look for another one.",
    CodeProblem.OTHER_PLACE: "The code belongs to another place.",
    CodeProblem.NOT_YET: "The code is not in use yet.",
    CodeProblem.EXPIRED: "The code is no longer in use.",
    CodeProblem.REVOKED: "The code was withdrawn. Ask the staff for the new one.",
    CodeProblem.OUT_OF_DATE: "The code on the screen has changed since. Scan the screen again.",
}
"""Each problem as it is told to the person who scanned."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose seal is right: which code's it is, and of which step if that rotates."""

    code_id: UUID
    step: int | None


def make_code_key() -> str:
    """Make a new key in the form that `CodeSettings.key` takes."""
    return secrets.token_urlsafe(_KEY_BYTES)


def make_token(key: bytes, code_id: UUID, *, step: int | None = None) -> str:
    """Return the token of a static code, or of a rotating one in a step.

    It is the code's id, the step in four bytes, and the first 80 bits of the HMAC-SHA256 of both
    (RFC 2104 section 5 on truncating), in base32 (RFC 4648): 42 characters, or 48 with a step.
    """
    told = code_id.bytes
    if step is not None:
        told += step.to_bytes(_STEP_BYTES, "big")
    return _encode(told + _seal(key, "code", told, _SEAL_BYTES))


def read_token(key: bytes, text: str) -> Token | None:
    """Return what a token says, or None if this key did not seal it.

    Args:
        key: The service's.
        text: The token, or the link that ends with it, in capitals or not.
    """
    raw = _decode(text.strip().rpartition("/")[2])
    told, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
    is_sealed = hmac.compare_digest(_seal(key, "code", told, _SEAL_BYTES), seal)
    if not is_sealed or len(told) not in {_ID_BYTES, _ID_BYTES + _STEP_BYTES}:
        return None
    step = told[_ID_BYTES:]
    return Token(UUID(bytes=told[:_ID_BYTES]), int.from_bytes(step, "big") if step else None)


def make_screen_token(key: bytes, code_id: UUID) -> str:
    """Return the secret with which a screen asks for its rotating code; sealed with 128 bits."""
    seal = _seal(key, "screen", code_id.bytes, _SCREEN_SEAL_BYTES)
    return SCREEN_PREFIX + _encode(code_id.bytes + seal)


def read_screen_token(key: bytes, text: str) -> UUID | None:
    """Return whose screen asks, or None if this key did not seal its secret."""
    raw = _decode(text.removeprefix(SCREEN_PREFIX))
    told, seal = raw[:_ID_BYTES], raw[_ID_BYTES:]
    is_sealed = hmac.compare_digest(_seal(key, "screen", told, _SCREEN_SEAL_BYTES), seal)
    return UUID(bytes=told) if is_sealed and len(told) == _ID_BYTES else None


def make_personal_token(key: bytes, device_id: UUID, *, at: datetime) -> str:
    """Return what a device shows to staff.

    It is encrypted and not only sealed (AES-SIV, RFC 5297), so that two of them do not tell
    whoever scans them that they are the same person's.
    """
    told = device_id.bytes + int(at.timestamp()).to_bytes(_STEP_BYTES, "big")
    return PERSONAL_PREFIX + _encode(_cipher(key).encrypt(told, None))


def read_personal_token(key: bytes, text: str) -> tuple[UUID, datetime] | None:
    """Return whose device a personal token is of and when it was made; None for anything else."""
    raw = _decode(text.strip().upper().removeprefix(PERSONAL_PREFIX))
    try:
        told = _cipher(key).decrypt(raw, None)
    except (InvalidTag, ValueError):
        return None
    seconds = int.from_bytes(told[_ID_BYTES:], "big")
    return UUID(bytes=told[:_ID_BYTES]), datetime.fromtimestamp(seconds, UTC)


def step_at(at: datetime) -> int:
    """Return the number of the step at an instant, counted from 1970 (RFC 6238 section 4.2)."""
    return int(at.timestamp() // STEP.total_seconds())


def start_of(step: int) -> datetime:
    """Return when a step begins."""
    return datetime.fromtimestamp(step * STEP.total_seconds(), UTC)


def judge(
    *,
    valid_from: datetime,
    valid_until: datetime | None,
    revoked_at: datetime | None,
    step: int | None,
    at: datetime,
) -> CodeProblem | None:
    """Tell why a code speaks for nothing, or None if it speaks.

    A step counts by when it reaches the server, and never by when the phone says it was scanned:
    whoever was sent a photograph can claim any time.
    """
    if revoked_at is not None:
        return CodeProblem.REVOKED
    if at < valid_from:
        return CodeProblem.NOT_YET
    if valid_until is not None and at >= valid_until:
        return CodeProblem.EXPIRED
    if step is not None and abs(step - step_at(at)) > SKEW_STEPS:
        return CodeProblem.OUT_OF_DATE
    return None


def _seal(key: bytes, use: str, told: bytes, length: int) -> bytes:
    """Return the seal of some bytes for one use, so that no token passes for one of another use."""
    return hmac.digest(key, use.encode() + b"\0" + told, "sha256")[:length]


def _cipher(key: bytes) -> AESSIV:
    return AESSIV(derive(key, b"personal"))


def _encode(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    if len(text) > _LONGEST_TEXT or not text.isascii():
        return b""
    try:
        return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except binascii.Error:
        return b""
