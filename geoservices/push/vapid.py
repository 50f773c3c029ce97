"""The key by which push services know this service, and the tokens signed with it (RFC 8292)."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from geoservices import base64url
from geoservices.push.endpoints import origin_of
from geoservices.settings.sending import PushSettings

# RFC 8292 section 2 allows a token 24 hours; half of it forgives a clock that is off by hours.
TOKEN_LIFETIME: Final = timedelta(hours=12)
TOKEN_RENEWAL: Final = timedelta(hours=11)
# One that was refused is not signed anew more often than this, however many are refused.
TOKEN_REST: Final = timedelta(minutes=1)
MAX_TOKENS: Final = 1024
PRIVATE_KEY_LENGTH: Final = 32
SHOWN: Final = 12
NUMBER_LENGTH: Final = 32
"""Of each of the two numbers of a signature on P-256 (RFC 7518 section 3.4)."""

_ES256: Final = ec.ECDSA(SHA256())

Clock = Callable[[], datetime]


def vapid_public_key(settings: PushSettings) -> str:
    """Return what browsers pass to `PushManager.subscribe()` (RFC 8292 section 3.2)."""
    return _encode_point(_load(settings.vapid_private_key).public_key())


def vapid_public_keys(settings: PushSettings) -> frozenset[str]:
    """Return every key that can still be signed for: the one of now and those of before."""
    return frozenset(_private_keys(settings))


def make_vapid_key() -> str:
    """Make a new private key in the form that `PushSettings.vapid_private_key` takes."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64url.encode(number.to_bytes(PRIVATE_KEY_LENGTH, "big"))


def short_key(key: str) -> str:
    """Return as much of a public key as tells it from others, for operators to read."""
    return f"{key[:SHOWN]}…"


class VapidTokens:
    """The `Authorization` header for each push service and key, signed once in eleven hours.

    One token serves every subscription at its origin that was made with the key (RFC 8292
    section 2), so that a push costs no signature.
    """

    def __init__(self, settings: PushSettings, *, now: Clock) -> None:
        self._keys = _private_keys(settings)
        self._contact = settings.vapid_contact
        self._now = now
        self._made: dict[tuple[str, str], tuple[datetime, str]] = {}

    def header_for(self, endpoint: str, vapid_key: str) -> str:
        """Return a header that is good for at least another hour (RFC 8292 section 3).

        Args:
            endpoint: Where the push goes.
            vapid_key: The public key that the subscription was made with.

        Raises:
            KeyError: The private key to it is not among the settings any more.
        """
        origin, now = origin_of(endpoint), self._now()
        made_at, header = self._made.get((origin, vapid_key), (now, ""))
        # A token from the future was made while this machine's clock was wrong.
        if header and made_at <= now < made_at + TOKEN_RENEWAL:
            return header
        if len(self._made) >= MAX_TOKENS:
            self._made.clear()
        header = self._sign(origin, vapid_key, now)
        self._made[origin, vapid_key] = (now, header)
        return header

    def forget(self, endpoint: str, vapid_key: str) -> None:
        """Have the next header signed anew, as a push service did not take this one.

        A token that is younger than a minute stays: it would be refused again.
        """
        origin, now = origin_of(endpoint), self._now()
        made_at, _ = self._made.get((origin, vapid_key), (now, ""))
        if not now - TOKEN_REST < made_at <= now:
            del self._made[origin, vapid_key]

    def _sign(self, origin: str, vapid_key: str, now: datetime) -> str:
        expires_at = int((now + TOKEN_LIFETIME).timestamp())
        claims = {"aud": origin, "exp": expires_at, "sub": self._contact}
        return f"vapid t={_sign_token(claims, self._keys[vapid_key])}, k={vapid_key}"


def _sign_token(claims: Mapping[str, object], key: ec.EllipticCurvePrivateKey) -> str:
    """Write a JSON Web Token signed by ES256 (RFC 7515 section 7.1, RFC 7518 section 3.4)."""
    parts = ({"typ": "JWT", "alg": "ES256"}, claims)
    texts = (json.dumps(part, separators=(",", ":"), sort_keys=True) for part in parts)
    signed = ".".join(base64url.encode(text.encode()) for text in texts)
    numbers = decode_dss_signature(key.sign(signed.encode(), _ES256))
    signature = b"".join(number.to_bytes(NUMBER_LENGTH, "big") for number in numbers)
    return f"{signed}.{base64url.encode(signature)}"


def _private_keys(settings: PushSettings) -> dict[str, ec.EllipticCurvePrivateKey]:
    """Return the private keys by their public ones."""
    secrets = (settings.vapid_private_key, *settings.vapid_old_private_keys)
    keys = [_load(secret) for secret in secrets]
    return {_encode_point(key.public_key()): key for key in keys}


def _load(secret: SecretStr) -> ec.EllipticCurvePrivateKey:
    raw = base64url.decode(secret.get_secret_value())
    if len(raw) != PRIVATE_KEY_LENGTH:
        raise ValueError("The VAPID private key must be 32 bytes in base64url.")
    return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())


def _encode_point(key: ec.EllipticCurvePublicKey) -> str:
    return base64url.encode(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
