"""Consents, their texts and receipts on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import In, Out, Text
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Consent, ConsentEvent, Credential, Purpose
from geoservices.accounts.receipts import ReceiptFacts
from geoservices.languages import ENGLISH

Language = Annotated[Text, StringConstraints(min_length=2, max_length=20)]


class ConsentIn(In):
    """Agreement to one purpose."""

    text_version: Annotated[Text, StringConstraints(min_length=1, max_length=40)] = Field(
        description="Version of the text the person saw, from GET /v1/consents"
    )
    language: Language = Field(
        default=ENGLISH, description="The language they saw it in, as BCP 47 has it"
    )


class ConsentOut(Out):
    """One purpose: what is asked, and whether the person agreed."""

    purpose: Purpose
    text: str = Field(description="What is asked now, in English")
    texts: dict[str, str] = Field(description="The same by its language (BCP 47), English too")
    text_version: str = Field(description="Version of that text")
    agreed_version: str | None = Field(
        description="Version the person agreed to; where it is an older one, ask again"
    )
    given_at: datetime | None = Field(description="Null unless the person agrees now")
    withdrawn_at: datetime | None = Field(
        description="When the person last withdrew it, unless they agree now"
    )

    @classmethod
    def of(cls, purpose: Purpose, last: Consent | None) -> Self:
        """Tell of a purpose and of the last consent to it."""
        text = TEXTS[purpose]
        given = last if last and last.withdrawn_at is None else None
        return cls(
            purpose=purpose,
            text=text.text,
            texts=dict(text.texts),
            text_version=text.version,
            agreed_version=given.text_version if given else None,
            given_at=given.given_at if given else None,
            withdrawn_at=last.withdrawn_at if last else None,
        )


class ConsentTextOut(Out):
    """The words of a text of now or of before, which never change."""

    purpose: Purpose
    version: str
    texts: dict[str, str] = Field(description="The words by their language")


class ConsentReceiptOut(Out):
    """That a consent was given or ended, in the words of ISO/IEC TS 27560."""

    schema_version: str
    receipt_id: UUID
    record_id: UUID = Field(description="The consent; all of its receipts share it")
    pii_principal_id: UUID = Field(description="The person")
    pii_controller: str = Field(description="Where the service that asked is reached")
    purpose: Purpose
    lawful_basis: str
    privacy_notice: str = Field(description="Where the words that the person saw can be read")
    text_version: str
    text_digest: str = Field(description="SHA-256 of those words in UTF-8")
    language: str
    withdrawal_method: str
    event_state: ConsentEvent
    event_time: datetime
    collection_method: Credential = Field(description="By what the person was known")
    signed: str = Field(
        description="All of this as a JWS (RFC 7515, compact, Ed25519), for the person to keep"
    )

    @classmethod
    def of(cls, facts: ReceiptFacts, signed: str) -> Self:
        """Tell of a receipt."""
        told = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
        return cls(**told, signed=signed)


class KeysOut(Out):
    """The public keys that check receipts: a JWK set (RFC 7517)."""

    keys: list[dict[str, str]]
