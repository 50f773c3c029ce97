"""Whether a token is the provider's, for us, about now, and of the right kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from authlib.oauth2.claims import JWTClaims
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jwk import Key, KeySet, import_key

from geoservices.oidc.claims import MAX_SESSION, MAX_SUBJECT
from geoservices.oidc.refusals import TokenRefused

ALGORITHMS: Final = frozenset(
    {
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
        "EdDSA", "Ed25519",
    }
)  # fmt: skip
"""Signatures that only the provider can make (RFC 7518 section 3.1, RFC 8037, RFC 9864)."""
LEEWAY: Final = timedelta(minutes=1)
"""How much the provider's clock may differ from ours."""
MAX_TOKEN: Final = 32_768
MAX_HEADER: Final = 16_384
MAX_LIFE: Final = timedelta(hours=1)
"""A logout token is remembered until it expires, so it may not last for ever."""
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_LOGOUT_TYPES: Final = frozenset({"logout+jwt", "jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the tokens of one provider for this service must say.

    `algorithms` are some of `ALGORITHMS`, and one at least.
    """

    issuer: str
    client_id: str
    algorithms: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    """Whose sign-ins a provider ends: a subject's, or those of one of its sessions."""

    token_id: str
    subject: str | None
    provider_session: str | None
    expires_at: datetime


def read_keys(jwks: Mapping[str, Any]) -> KeySet:
    """Return the keys of a provider that can prove a signature.

    Keys that are not understood, or are for something else, are passed over (RFC 7517 section 5).
    """
    keys: list[Key] = []
    listed = jwks.get("keys")
    for told in listed if isinstance(listed, list) else []:
        is_for_us = isinstance(told, dict) and told.get("use", "sig") == "sig"
        if not is_for_us or told.get("kty") not in {"RSA", "EC", "OKP"}:
            continue
        try:
            keys.append(import_key(told))
        except (JoseError, ValueError):
            continue
    return KeySet(keys)


def key_of(text: str, keys: KeySet) -> Key | None:
    """Return the key that a token says it is signed with, or None if it is not among them.

    A token need not name it where there is only one (OpenID Connect Core 1.0 section 10.1).

    Raises:
        TokenRefused: This is no signed token.
    """
    if len(text) > MAX_TOKEN:
        raise TokenRefused("too-long")
    try:
        signed = jws.extract_compact(text.encode(), registry=_registry(ALGORITHMS))
        kid = signed.headers().get("kid")
    except (JoseError, ValueError) as error:
        raise TokenRefused("unreadable") from error
    if kid is None:
        return keys.keys[0] if len(keys.keys) == 1 else None
    return next((key for key in keys.keys if key.kid == kid), None)


def read_id_token(
    text: str, key: Key, expected: Expected, *, nonce: str, access_token: str, at: datetime
) -> dict[str, Any]:
    """Return the claims of an ID token (OpenID Connect Core 1.0 section 3.1.3.7).

    Raises:
        TokenRefused: It is not the provider's, not for us, not of this sign-in, or too old.
    """
    token = _verified(text, key, expected)
    if str(token.header.get("typ", "JWT")).lower() != "jwt":
        raise TokenRefused("not-an-id-token")
    claims = CodeIDToken(
        token.claims,
        token.header,
        _required(expected, "sub", "exp", "iat"),
        {"nonce": nonce, "client_id": expected.client_id, "access_token": access_token},
    )
    _validate(claims, at)
    if not 0 < len(claims["sub"]) <= MAX_SUBJECT:
        raise TokenRefused("subject-too-long")
    return dict(claims)


def read_logout_token(text: str, key: Key, expected: Expected, *, at: datetime) -> Logout:
    """Return whom a provider signs out (OpenID Connect Back-Channel Logout 1.0 section 2.6).

    Whether the token was used before is for the caller to find out.

    Raises:
        TokenRefused: It is not the provider's, not for us, no logout token, or too old.
    """
    token = _verified(text, key, expected)
    if str(token.header.get("typ", "JWT")).lower() not in _LOGOUT_TYPES:
        raise TokenRefused("not-a-logout-token")
    claims = JWTClaims(
        token.claims, token.header, _required(expected, "exp", "iat", "jti", "events")
    )
    _validate(claims, at)
    events = claims["events"]
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise TokenRefused("not-a-logout-token")
    if "nonce" in claims:
        raise TokenRefused("nonce-in-logout-token")
    subject = _text(claims.get("sub"), MAX_SUBJECT)
    provider_session = _text(claims.get("sid"), MAX_SESSION)
    if subject is None and provider_session is None:
        raise TokenRefused("names-nobody")
    expires_at = _instant(claims["exp"], at)
    return Logout(
        token_id=claims["jti"],
        subject=subject,
        provider_session=provider_session,
        expires_at=expires_at + LEEWAY,
    )


def _verified(text: str, key: Key, expected: Expected) -> jwt.Token:
    try:
        return jwt.decode(text, key, registry=_registry(expected.algorithms))
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused(_reason(error)) from error


def _registry(algorithms: frozenset[str]) -> jws.JWSRegistry:
    registry = jws.JWSRegistry(algorithms=sorted(algorithms), strict_check_header=False)
    # Some providers send their certificates along, which are passed over.
    registry.max_header_length = MAX_HEADER
    return registry


def _reason(error: Exception) -> str:
    """Return what was wrong in a word or two, with nothing of what was said."""
    if isinstance(error, ClaimError):
        return f"{error.error}:{error.claim}"
    return getattr(error, "error", "") or "unreadable"


def _required(expected: Expected, *others: str) -> dict[str, Any]:
    options: dict[str, Any] = {name: {"essential": True} for name in others}
    options["iss"] = {"essential": True, "value": expected.issuer}
    options["aud"] = {"essential": True, "value": expected.client_id}
    return options


def _validate(claims: CodeIDToken | JWTClaims, at: datetime) -> None:
    try:
        claims.validate(now=int(at.timestamp()), leeway=int(LEEWAY.total_seconds()))
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused(_reason(error)) from error


def _text(claim: object, longest: int) -> str | None:
    """Return a claim that names somebody or something, or None if there is none.

    Raises:
        TokenRefused: It is there, and no text of a length that can be.
    """
    if claim is None:
        return None
    if not isinstance(claim, str) or not 0 < len(claim) <= longest:
        raise TokenRefused("names-nobody")
    return claim


def _instant(seconds: float, at: datetime) -> datetime:
    """Return when a token expires.

    Raises:
        TokenRefused: That is too far away.
    """
    left = seconds - at.timestamp()
    if left > (MAX_LIFE + LEEWAY).total_seconds():
        raise TokenRefused("lasts-too-long")
    return at + timedelta(seconds=left)
