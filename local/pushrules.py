"""What a strict push service checks in each request, so that a bad sender fails here first.

Written from the RFCs and sharing no code with the sender: RFC 8030 (the request), RFC 8188 and
RFC 8291 (the body), RFC 8292 (who sent it).
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import TypeAdapter

MAX_BODY_BYTES = 4096
MAX_TTL = timedelta(days=30)
MAX_TOKEN_LIFETIME = timedelta(hours=24)
KEY_BYTES = 65
SIGNATURE_BYTES = 64
URGENCIES = ("very-low", "low", "normal", "high")
# Salt, record size and the length of the key id come before the key id (RFC 8188 section 2.1).
KEY_ID_AT = 21
# The smallest record holds a delimiter and an authentication tag (RFC 8188 section 2).
MIN_RECORD_BYTES = 17


class Refused(Exception):
    """The request breaks a rule; a push service answers with `status` and says why."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the sender asks for: how long to keep the message, how soon to bring it, its topic."""

    ttl: timedelta
    urgency: str
    topic: str | None


def read_wishes(headers: Mapping[str, str]) -> Wishes:
    """Read TTL, Urgency and Topic (RFC 8030 sections 5.2, 5.3 and 5.4).

    Raises:
        Refused: 400, as TTL is missing or no number, or one of the others is malformed.
    """
    ttl = headers.get("TTL", "")
    if not re.fullmatch(r"[0-9]{1,10}", ttl):
        raise Refused(400, "TTL must be a number of seconds")
    urgency = headers.get("Urgency", "normal")
    if urgency not in URGENCIES:
        raise Refused(400, "Urgency must be very-low, low, normal or high")
    topic = headers.get("Topic")
    if topic is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", topic):
        raise Refused(400, "Topic must be at most 32 characters of base64url")
    return Wishes(ttl=min(timedelta(seconds=int(ttl)), MAX_TTL), urgency=urgency, topic=topic)


def check_body(headers: Mapping[str, str], body: bytes) -> None:
    """Make sure that the body is one aes128gcm record for a browser (RFC 8291 section 4).

    Raises:
        Refused: 413 above 4096 bytes, else 400.
    """
    if len(body) > MAX_BODY_BYTES:
        raise Refused(413, "The body is larger than 4096 bytes")
    if headers.get("Content-Encoding") != "aes128gcm":
        raise Refused(400, "Content-Encoding must be aes128gcm")
    if len(body) < KEY_ID_AT + KEY_BYTES + MIN_RECORD_BYTES or body[KEY_ID_AT - 1] != KEY_BYTES:
        raise Refused(400, "The body must start with a header whose key id is 65 bytes")
    record_size = int.from_bytes(body[16:20], "big")
    if len(body) - KEY_ID_AT - KEY_BYTES > record_size:
        raise Refused(400, "The body must be a single record")
    try:
        load_public_key(body[KEY_ID_AT : KEY_ID_AT + KEY_BYTES])
    except ValueError as error:
        raise Refused(400, "The key id must be a point on P-256") from error


def check_vapid(
    authorization: str | None, *, server_key: bytes, audience: str, at: datetime
) -> None:
    """Make sure that the holder of `server_key` signed for us, and recently.

    Raises:
        Refused: 403 where another key than the subscription's is shown (RFC 8292 section 4.2),
            401 where the token is absent, malformed, expired or not meant for us.
    """
    token, key = _read_authorization(authorization)
    if key != server_key:
        raise Refused(403, "The subscription belongs to another application server key")
    try:
        claims = _read_token(token, load_public_key(key))
    except (ValueError, InvalidSignature) as error:
        raise Refused(401, "The token is not properly signed") from error
    _check_claims(claims, audience=audience, at=at)


def load_public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """Read an uncompressed point.

    Raises:
        ValueError: It is not 65 bytes, or not a point on P-256.
    """
    if len(point) != KEY_BYTES:
        raise ValueError("The key must be 65 bytes.")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def decode(text: str) -> bytes:
    """Read base64url, which Web Push writes without padding.

    Raises:
        ValueError: It is not that.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError("This is not base64url without padding.")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _read_authorization(authorization: str | None) -> tuple[str, bytes]:
    if authorization is None:
        raise Refused(401, "Authorization is missing")
    scheme, _, rest = authorization.partition(" ")
    given = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if scheme.lower() != "vapid" or given.keys() < {"t", "k"}:
        raise Refused(401, "Authorization must be `vapid t=..., k=...`")
    try:
        return given["t"], decode(given["k"])
    except ValueError as error:
        raise Refused(401, "k must be base64url without padding") from error


def _read_token(token: str, key: ec.EllipticCurvePublicKey) -> dict[str, object]:
    """Return the claims of a JSON Web Token signed with ES256 (RFC 7515 section 3.1)."""
    header, claims, signature = token.split(".")
    raw = decode(signature)
    if len(raw) != SIGNATURE_BYTES or _read_json(header).get("alg") != "ES256":
        raise ValueError("The token must be signed with ES256.")
    half = SIGNATURE_BYTES // 2
    pair = encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
    key.verify(pair, f"{header}.{claims}".encode(), ec.ECDSA(SHA256()))
    return _read_json(claims)


def _check_claims(claims: Mapping[str, object], *, audience: str, at: datetime) -> None:
    if claims.get("aud") != audience:
        raise Refused(401, f"aud must be {audience}")
    expires_at = claims.get("exp")
    if isinstance(expires_at, bool) or not isinstance(expires_at, int):
        raise Refused(401, "exp must be a number")
    left = expires_at - at.timestamp()
    if not 0 < left <= MAX_TOKEN_LIFETIME.total_seconds():
        raise Refused(401, "exp must lie within the next 24 hours")
    if not re.fullmatch(r"mailto:[^\s@]+@[^\s@]+|https://\S+", str(claims.get("sub"))):
        raise Refused(401, "sub must be a mailto: or https: address")


def _read_json(part: str) -> dict[str, object]:
    """Return a JSON object; a `ValidationError` is a `ValueError` too."""
    return TypeAdapter(dict[str, object]).validate_json(decode(part))
