"""Whom identity providers vouched for, and what was used that may be used only once."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.oidc.claims import MAX_SUBJECT
from geoservices.provider_settings import MAX_ISSUER


class Identity(Base):
    """That a provider's subject is a member; nothing else than both together names somebody."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("organisation_id", "issuer", "subject"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(String(MAX_ISSUER))
    subject: Mapped[str] = mapped_column(String(MAX_SUBJECT))
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime]


class Spent(Base):
    """The hash of what may be used only once and was; kept until it would have expired."""

    __tablename__ = "oidc_spent"

    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
