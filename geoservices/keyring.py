"""Keys that follow from a secret of the service's, and reading with those of before."""

import hmac
from collections.abc import Callable, Sequence
from typing import TypeVar

Read = TypeVar("Read")


def derive(secret: bytes, use: bytes) -> bytes:
    """Return the key for one use, 32 bytes, that follows from a secret and does not tell it.

    Each use has a key of its own, as nothing made for one may pass for what is made for another
    (HMAC as a pseudo-random function, RFC 5869 section 2.3).
    """
    return hmac.digest(secret, use, "sha256")


def by_any(secrets: Sequence[bytes], read: Callable[[bytes], Read | None]) -> Read | None:
    """Return what the first secret makes of something, or None if none makes anything of it.

    Args:
        secrets: The present one first.
        read: Reads with one secret; None means that it was made with another.
    """
    return next((told for one in secrets if (told := read(one)) is not None), None)
