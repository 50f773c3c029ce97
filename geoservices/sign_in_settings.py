"""How members sign in, and what that is set by."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, SecretStr

Span = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=3660))]
"""A length of time; ISO 8601, such as PT30S or P1D."""


def _key_sized(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", key.get_secret_value()):
        raise ValueError("must be 32 bytes in base64url without padding: 43 characters")
    return key


KeyText = Annotated[SecretStr, AfterValidator(_key_sized)]
"""A key: 32 bytes in base64url without padding."""


class SignInSettings(BaseModel, frozen=True, extra="forbid"):
    """How members sign in, and for how long (OWASP ASVS 2 and 3)."""

    key: KeyText | None = None
    """Seals the secrets of second factors; without it none can be set up.

    32 bytes in base64url without padding (`geoservices sign-in-key`).
    """
    old_keys: tuple[KeyText, ...] = ()
    """Keys of before: what they sealed is sealed anew when its member next signs in."""
    lifetime: Span = timedelta(hours=12)
    """A sign-in ends this long after it was made,"""
    idle: Annotated[timedelta, Field(ge=timedelta(minutes=15), le=timedelta(days=30))] = timedelta(
        hours=2
    )
    """or when it was not used for this long."""
    demand_second_factor: bool = False
    """Managers and admins with a password can do nothing but set up a second factor until then."""
    invitation_lifetime: Span = timedelta(hours=72)
    reset_lifetime: Span = timedelta(hours=1)
    hash_memory_kib: Annotated[int, Field(ge=7168, le=1_048_576)] = 19_456
    """Memory that hashing a password takes; this and the next as OWASP recommends for argon2id."""
    hash_rounds: Annotated[int, Field(ge=1, le=20)] = 2
    hashes_at_once: Annotated[int, Field(ge=1, le=64)] = 1
    """How many passwords one process hashes at the same time, each on a core; more wait."""
