"""Kinds of values that settings have."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from geoservices.rates import read_rate

Span = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=3660))]
"""A length of time; ISO 8601, such as PT30S or P1D."""
SpanOrNone = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=3660))]
"""A length of time that may be nothing."""
Fraction = Annotated[float, Field(ge=0, le=1)]
Metres = Annotated[float, Field(ge=0, le=100_000)]
Certainty = Annotated[float, Field(ge=1, le=5)]
"""How many accuracies wide the circle is that counts as certain."""


def _key_sized(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", key.get_secret_value()):
        raise ValueError("must be 32 bytes in base64url without padding: 43 characters")
    return key


KeyText = Annotated[SecretStr, AfterValidator(_key_sized)]
"""A key: 32 bytes in base64url without padding."""


def _rate_shaped(text: str) -> str:
    read_rate(text)
    return text


RateText = Annotated[str, AfterValidator(_rate_shaped)]
"""So many within so long, all at once or one by one: `10/PT15M`."""
