"""Whom identity providers vouched for, and what was used that may be used only once."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.oidc.claims import MAX_SUBJECT
from geoservices.register import Basis, about, not_personal, personal
from geoservices.settings.providers import MAX_ISSUER


class Identity(Base):
    """That a provider's subject is a member; nothing else than both together names somebody."""

    __tablename__ = "identities"
    __table_args__ = (
        UniqueConstraint("organisation_id", "issuer", "subject"),
        {
            "info": about(
                purpose="know a member again whom the organisation's identity provider vouches for",
                basis=Basis.PUBLIC_TASK,
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the identity's number")
    )
    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id"), info=personal("whose member they are")
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), index=True, info=personal("who it is")
    )
    issuer: Mapped[str] = mapped_column(String(MAX_ISSUER), info=personal("which provider"))
    subject: Mapped[str] = mapped_column(
        String(MAX_SUBJECT), info=personal("what the provider calls them")
    )
    created_at: Mapped[datetime] = mapped_column(info=personal("when they first came"))
    signed_in_at: Mapped[datetime] = mapped_column(info=personal("when they last signed in"))


class Spent(Base):
    """The hash of what may be used only once and was; kept until it would have expired."""

    __tablename__ = "oidc_spent"
    __table_args__ = ({"info": not_personal},)

    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
