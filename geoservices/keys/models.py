"""API keys."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base


class ApiKey(Base):
    """What a machine of an organisation's is let in by; its secret is kept as a SHA-256 hash.

    `prefix` is how the secret begins, to tell keys apart. After a rotation the secret before it
    holds until `previous_until`. `scopes` are rights (`access.rights`), `reach` limits the key to
    some of the organisation's places. `last_used_at` is right to a few minutes.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="expires_after_it_is_made"),
        CheckConstraint(
            "(previous_hash IS NULL) = (previous_until IS NULL)", name="previous_whole"
        ),
        Index("ix_api_keys_organisation", "organisation_id", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(120))
    prefix: Mapped[str] = mapped_column(String(12))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    previous_until: Mapped[datetime | None]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    reach: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
