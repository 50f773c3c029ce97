"""The key by which push services know this service, and the tokens signed with it (RFC 8292)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import jwt

from geoservices.push.endpoints import decode_base64url, encode_base64url, origin_of
from geoservices.settings import PushSettings

# RFC 8292 section 2 allows a token 24 hours; half of it forgives a clock that is off by hours.
TOKEN_LIFETIME: Final = timedelta(hours=12)
TOKEN_RENEWAL: Final = timedelta(hours=11)
MAX_TOKENS: Final = 1024
PRIVATE_KEY_LENGTH: Final = 32

Clock = Callable[[], datetime]


def vapid_public_key(settings: PushSettings) -> str:
    """Return what browsers pass to `PushManager.subscribe()` (RFC 8292 section 3.2)."""
    return _encode_point(_load_private_key(settings).public_key())


def make_vapid_key() -> str:
    """Make a new private key in the form that `PushSettings.vapid_private_key` takes."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return encode_base64url(number.to_bytes(PRIVATE_KEY_LENGTH, "big"))


class VapidTokens:
    """The `Authorization` header for each push service, signed once in eleven hours.

    One token serves every subscription at its origin (RFC 8292 section 2), so that a push
    costs no signature.
    """

    def __init__(self, settings: PushSettings, *, now: Clock) -> None:
        self._key = _load_private_key(settings)
        self._public_key = _encode_point(self._key.public_key())
        self._contact = settings.vapid_contact
        self._now = now
        self._made: dict[str, tuple[datetime, str]] = {}

    def header_for(self, endpoint: str) -> str:
        """Return a header that is good for at least another hour (RFC 8292 section 3)."""
        origin, now = origin_of(endpoint), self._now()
        made_at, header = self._made.get(origin, (now, ""))
        # A token from the future was made while this machine's clock was wrong.
        if header and made_at <= now < made_at + TOKEN_RENEWAL:
            return header
        if len(self._made) >= MAX_TOKENS:
            self._made.clear()
        header = self._sign(origin, now)
        self._made[origin] = (now, header)
        return header

    def _sign(self, origin: str, now: datetime) -> str:
        expires_at = int((now + TOKEN_LIFETIME).timestamp())
        # `Vapid.sign` refuses IPv6 audiences and contact pages with a path, both of them valid.
        token = jwt.sign({"aud": origin, "exp": expires_at, "sub": self._contact}, self._key)
        return f"vapid t={token}, k={self._public_key}"


def _load_private_key(settings: PushSettings) -> ec.EllipticCurvePrivateKey:
    raw = decode_base64url(settings.vapid_private_key.get_secret_value())
    if len(raw) != PRIVATE_KEY_LENGTH:
        raise ValueError("The VAPID private key must be 32 bytes in base64url.")
    return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())


def _encode_point(key: ec.EllipticCurvePublicKey) -> str:
    return encode_base64url(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
