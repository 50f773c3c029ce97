"""API keys."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.register import Basis, about, not_personal, personal


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
        {
            "info": about(
                purpose="let an organisation's programs in, and know who let them",
                basis=Basis.PUBLIC_TASK,
            )
        },
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4, info=not_personal)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), info=not_personal)
    name: Mapped[str] = mapped_column(String(120), info=not_personal)
    prefix: Mapped[str] = mapped_column(String(12), info=not_personal)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True, info=not_personal)
    previous_hash: Mapped[bytes | None] = mapped_column(
        LargeBinary(32), unique=True, info=not_personal
    )
    previous_until: Mapped[datetime | None] = mapped_column(info=not_personal)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(40)), info=not_personal)
    reach: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=not_personal
    )
    created_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"), info=personal("which member made it")
    )
    created_at: Mapped[datetime] = mapped_column(info=not_personal)
    expires_at: Mapped[datetime] = mapped_column(info=not_personal)
    last_used_at: Mapped[datetime | None] = mapped_column(info=not_personal)
    revoked_at: Mapped[datetime | None] = mapped_column(info=not_personal)
