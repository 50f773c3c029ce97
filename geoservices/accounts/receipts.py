"""Receipts of consents as their people get them: facts in the field's words, signed.

The names are those of ISO/IEC TS 27560:2023 (consent record information structure) where it has
one, and of the Kantara Initiative's Consent Receipt Specification 1.1 for how a consent was
collected. What is signed is a JWS in compact form (RFC 7515) with Ed25519 (RFC 8032, RFC 9864), so
that whoever is shown a receipt can check it with the public key and nothing else.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from joserfc import jws
from joserfc.jwk import OKPKey

from geoservices.accounts.consents import published
from geoservices.accounts.models import ConsentReceipt, Purpose
from geoservices.keyring import derive

SCHEMA: Final = "ISO/IEC TS 27560:2023"
ALGORITHM: Final = "Ed25519"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFacts:
    """What a receipt says."""

    schema_version: str
    receipt_id: UUID
    record_id: UUID
    """The consent; the receipts of its giving and of its end share it."""
    pii_principal_id: UUID
    pii_controller: str
    """Where the service that asked is reached."""
    purpose: Purpose
    lawful_basis: str
    privacy_notice: str
    """Where the words that the person saw can be read."""
    text_version: str
    text_digest: str
    language: str
    withdrawal_method: str
    event_state: str
    event_time: datetime
    collection_method: str


def facts_of(receipt: ConsentReceipt, *, public_url: str) -> ReceiptFacts:
    """Return what a receipt says.

    Args:
        receipt: As it is stored.
        public_url: Where the service is reached.
    """
    purpose = Purpose(receipt.purpose)
    words = published(purpose, receipt.text_version)[receipt.language]
    consents = f"{public_url}/v1/consents"
    return ReceiptFacts(
        schema_version=SCHEMA,
        receipt_id=receipt.id,
        record_id=receipt.consent_id,
        pii_principal_id=receipt.person_id,
        pii_controller=public_url,
        purpose=purpose,
        lawful_basis="consent",
        privacy_notice=f"{consents}/texts/{purpose}/{receipt.text_version}",
        text_version=receipt.text_version,
        text_digest=f"sha-256:{words.digest.hex()}",
        language=receipt.language,
        withdrawal_method=f"DELETE {consents}/{purpose}",
        event_state=receipt.event,
        event_time=receipt.occurred_at,
        collection_method=receipt.credential,
    )


def signing_key(code_key: bytes) -> OKPKey:
    """Return the key that signs receipts, made from the one that seals codes.

    The seed is its HMAC under a label of its own (RFC 5869 section 2.3), so that nothing signed
    or sealed for another end passes for a receipt.
    """
    seed = derive(code_key, b"consent receipts")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return OKPKey.import_key(pem)


def sign(facts: ReceiptFacts, key: OKPKey) -> str:
    """Return a receipt signed: the same facts and key always give the same text."""
    payload = json.dumps(asdict(facts), default=_plain, separators=(",", ":"))
    header = {"alg": ALGORITHM, "kid": key.thumbprint(), "typ": "consent-receipt+json"}
    return jws.serialize_compact(header, payload.encode(), key, algorithms=[ALGORITHM])


def public_key(key: OKPKey) -> dict[str, str]:
    """Return what checks receipts, as a JWK (RFC 8037); its `kid` is its thumbprint (RFC 7638)."""
    told = {name: str(value) for name, value in key.as_dict(private=False).items()}
    return told | {"kid": key.thumbprint(), "alg": ALGORITHM, "use": "sig"}


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
