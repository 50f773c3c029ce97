"""The second factor: codes that change with time (RFC 6238), and those that stand in for them."""

import base64
import hmac
import re
import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pyotp import TOTP, random_base32

DIGITS: Final = 6
STEP_S: Final = 30
WINDOW: Final = 1
"""So many steps before and after the present one count as well, since clocks differ."""
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
_NONCE_BYTES: Final = 12
_CODE: Final = re.compile(r"\d{6}", re.ASCII)


def make_secret() -> str:
    """Make the secret that a phone and this service share: 160 bits in base32, 32 characters."""
    return random_base32(32)


def uri_of(secret: str, *, username: str, issuer: str) -> str:
    """Return what authenticator apps scan: an `otpauth:` URI as they all read it."""
    return TOTP(secret, digits=DIGITS, interval=STEP_S).provisioning_uri(
        name=username, issuer_name=issuer
    )


def is_time_code(code: str) -> bool:
    """Tell whether something typed can be a code of an app, and not one of recovery."""
    return _CODE.fullmatch(_bare(code)) is not None


def step_of(secret: str, code: str, *, after: int | None, at: datetime) -> int | None:
    """Return the time step of a code, or None if it is wrong, too old, too new or was taken.

    Args:
        secret: The shared one.
        code: What was typed.
        after: The step of the last code taken; one must be later than it, so none counts twice.
        at: Now.
    """
    # Bytes, since text that is not ASCII cannot be compared in constant time.
    typed, totp = _bare(code).encode(), TOTP(secret, digits=DIGITS, interval=STEP_S)
    present = int(at.timestamp()) // STEP_S
    found = None
    for step in range(present - WINDOW, present + WINDOW + 1):
        is_it = hmac.compare_digest(totp.generate_otp(step).encode(), typed)
        if is_it and (after is None or step > after):
            found = step
    return found


def make_recovery_codes() -> list[str]:
    """Make ten codes of 80 random bits: four groups of four small letters and digits."""
    return ["-".join(re.findall("....", _letters())) for _ in range(RECOVERY_CODES)]


def hash_recovery_code(person_id: UUID, code: str) -> bytes:
    """Return the hash of a recovery code, salted with whose it is (OWASP ASVS 2.6.2), 32 bytes."""
    return hmac.digest(person_id.bytes, _bare(code).encode(), "sha256")


def seal(key: bytes, person_id: UUID, secret: str) -> bytes:
    """Seal a shared secret so that only this service reads it, and for that one member alone.

    The key is 32 bytes for AES-256-GCM (NIST SP 800-38D). A random nonce stands before the rest.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, secret.encode(), person_id.bytes)


def unseal(keys: list[bytes], person_id: UUID, sealed: bytes) -> str | None:
    """Return the secret that one of the keys sealed for a member, or None if none of them did."""
    nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    for key in keys:
        try:
            return AESGCM(key).decrypt(nonce, rest, person_id.bytes).decode()
        except InvalidTag:
            continue
    return None


def _letters() -> str:
    return base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()


def _bare(code: str) -> str:
    """Return a code without what people put between its characters."""
    return re.sub(r"[\s-]", "", code).lower()
