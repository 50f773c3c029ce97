"""Bytes as text that addresses and headers can hold: base64url without padding.

Source:
    https://www.rfc-editor.org/rfc/rfc4648#section-5
"""

import base64


def encode(data: bytes) -> str:
    """Write bytes as base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Read base64url strictly: its own alphabet, right padding or none, no stray bits.

    Python's decoder skips characters that it does not know, so that two different texts would
    be the same key (RFC 4648 section 3.3 and 3.5 ask for refusal).

    Raises:
        ValueError: It is not base64url.
    """
    bare = text.rstrip("=")
    padded = bare + "=" * (-len(bare) % 4)
    try:
        decoded = base64.urlsafe_b64decode(padded)
    except ValueError as error:
        raise ValueError("This is not base64url.") from error
    if text not in {bare, padded} or encode(decoded) != bare:
        raise ValueError("This is not base64url.")
    return decoded
