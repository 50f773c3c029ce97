"""Codes that people read from one screen and type into another."""

import hmac
import re
import secrets
from typing import Final

from geoservices.keyring import derive

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without I, L and O, which are taken for digits, and without U."""
LENGTH: Final = 8
"""So many characters have 40 bits: 1.1e12 codes. See decisions/0031 for what guessing yields."""
_GROUP: Final = 4
_MISREAD: Final = str.maketrans("ILO", "110")
_BETWEEN: Final = re.compile(r"[\s-]+")
_FORM: Final = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


def make_code() -> str:
    """Make a code, each as likely as any other."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def write_code(code: str) -> str:
    """Return a code as it is shown: in two groups, since that is read and typed more easily."""
    return f"{code[:_GROUP]}-{code[_GROUP:]}"


def read_code(text: str) -> str | None:
    """Return the code that somebody typed, None if it cannot be one.

    Small letters, spaces and hyphens are as good, and so are I, L and O for the digits they are
    taken for, as Crockford has it.
    """
    code = _BETWEEN.sub("", text).upper().translate(_MISREAD)
    return code if _FORM.fullmatch(code) else None


def mark_of(key: bytes, code: str) -> bytes:
    """Return the 32 bytes by which a code is known to whoever has the key.

    Args:
        key: The service's own, which seals codes at places.
        code: As `make_code` made it.
    """
    return hmac.digest(derive(key, b"joining"), code.encode(), "sha256")
