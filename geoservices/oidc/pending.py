"""A sign-in under way: what a browser carries from its beginning to its end, sealed."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from geoservices.keyring import derive
from geoservices.oidc.refusals import ReturnRefused, SignInNotBegun

LIFETIME: Final = timedelta(minutes=10)
"""How long somebody may take at the provider."""
MAX_RETURN: Final = 500
# Printable ASCII without blanks and backslashes; two slashes in front would name another host.
_LOCAL_PATH: Final = re.compile(r"/(?!/)[!-\[\]-~]*")
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSignIn:
    """One sign-in from its beginning on.

    `state` binds the answer to the browser (RFC 6749 section 10.12), `nonce` the ID token to this
    sign-in (OpenID Connect Core 1.0 section 15.5.2), and `verifier` the code to whoever redeems it
    (RFC 7636).
    """

    provider: str
    state: str
    nonce: str
    verifier: str
    return_to: str
    expires_at: datetime

    @property
    def hash(self) -> bytes:
        """What is remembered of it once it was used, 32 bytes."""
        return hashlib.sha256(b"pending\0" + self.state.encode()).digest()


def begin(provider: str, *, return_to: str, at: datetime) -> PendingSignIn:
    """Return a new sign-in with a provider, which is pending.

    Raises:
        ReturnRefused: `return_to` is not a path of this service.
    """
    if len(return_to) > MAX_RETURN or not _LOCAL_PATH.fullmatch(return_to):
        raise ReturnRefused
    return PendingSignIn(
        provider=provider,
        state=secrets.token_urlsafe(_SECRET_BYTES),
        nonce=secrets.token_urlsafe(_SECRET_BYTES),
        verifier=secrets.token_urlsafe(_SECRET_BYTES),
        return_to=return_to,
        expires_at=at + LIFETIME,
    )


def seal(key: bytes, begun: PendingSignIn) -> str:
    """Return a pending sign-in as its browser keeps it: sealed and unread (AES-SIV, RFC 5297)."""
    sealed = _cipher(key).encrypt(msgspec.json.encode(begun), None)
    return base64.urlsafe_b64encode(sealed).decode()


def unseal(key: bytes, sealed: str, *, provider: str, state: str, at: datetime) -> PendingSignIn:
    """Return the pending sign-in that a browser kept.

    Args:
        key: The service's.
        sealed: As the browser sent it.
        provider: With whom the browser comes back.
        state: As the provider repeated it.
        at: Now.

    Raises:
        SignInNotBegun: There is none, or it is another one, or over.
    """
    try:
        told = _cipher(key).decrypt(base64.urlsafe_b64decode(sealed), None)
        begun = msgspec.json.decode(told, type=PendingSignIn)
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise SignInNotBegun from error
    is_ours = hmac.compare_digest(begun.state.encode(), state.encode())
    if not is_ours or begun.provider != provider or begun.expires_at <= at:
        raise SignInNotBegun
    return begun


def _cipher(key: bytes) -> AESSIV:
    """Return the cipher of a key derived for this alone, as no token passes for one of another."""
    return AESSIV(derive(key, b"oidc pending"))
