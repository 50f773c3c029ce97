"""People's e-mail addresses, and the life of each letter to them."""

from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of


class LetterKind(StrEnum):
    """What a letter is for."""

    CONFIRMATION = "confirmation"
    """Asks whether the address is the person's."""
    DIGEST = "digest"
    """Tells once a day of what has not been read."""
    INVITATION = "invitation"
    """Lets a member set the first password of their account."""
    PASSWORD_RESET = "password-reset"  # noqa: S105  # The words, not one of them.
    """Lets a member set another password, who asked for it."""


class LetterState(StrEnum):
    """Where a letter stands; a server's 250 makes it `sent`, and says nothing of it being read."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"
    """There was no reason left to send it."""


class EmailAddress(Base):
    """Where a person gets letters; a new address is a new row.

    `digest_due_at` is when to look next for what to tell, and none while the address is not
    confirmed or bouncing. `refused_count` is how many letters in a row the server would not take
    for it.
    """

    __tablename__ = "email_addresses"
    __table_args__ = (
        Index(
            "ix_email_addresses_digest_due_at",
            "digest_due_at",
            postgresql_where="digest_due_at IS NOT NULL",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), unique=True
    )
    address: Mapped[str] = mapped_column(String(254))
    digest_at: Mapped[time]
    set_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    bouncing_at: Mapped[datetime | None]
    refused_count: Mapped[int] = mapped_column(default=0)
    digest_due_at: Mapped[datetime | None]


class Confirmation(Base):
    """A secret that was sent to an address, kept as a hash; whoever knows it reads mail there."""

    __tablename__ = "confirmations"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    address_id: Mapped[UUID] = mapped_column(
        ForeignKey("email_addresses.id", ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Letter(Base):
    """One mail to one address, with `due_at` and `leased_until` as a delivery has them.

    `address_id` outlives the address, so that taking an address away waits for no letter.
    `address_mark` tells only whether two confirmations went to one address. `day` is the day of a
    digest by the person's clock: there is one a day. A letter about a member's account goes to
    `recipient`, where their organisation knows that they read mail.
    """

    __tablename__ = "letters"
    __table_args__ = (
        CheckConstraint(one_of("kind", LetterKind), name="kind_known"),
        CheckConstraint(one_of("state", LetterState), name="state_known"),
        CheckConstraint("(kind = 'digest') = (day IS NOT NULL)", name="digests_have_a_day"),
        CheckConstraint("(address_id IS NULL) = (recipient IS NOT NULL)", name="go_somewhere"),
        UniqueConstraint("person_id", "day"),
        Index("ix_letters_due", "due_at", postgresql_where="state IN ('queued', 'sending')"),
        Index(
            "ix_letters_asked_for_person",
            "person_id",
            "created_at",
            postgresql_where="kind <> 'digest'",
        ),
        Index(
            "ix_letters_confirmations_address",
            "address_mark",
            "created_at",
            postgresql_where="kind = 'confirmation'",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    address_id: Mapped[UUID | None]
    recipient: Mapped[str | None] = mapped_column(String(254))
    address_mark: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    kind: Mapped[str] = mapped_column(String(20))
    day: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(200))
    attempt_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class DigestItem(Base):
    """A notification in a digest; it is in one at most, ever."""

    __tablename__ = "digest_items"

    notification_id: Mapped[UUID] = mapped_column(
        ForeignKey("notifications.id", ondelete="CASCADE"), primary_key=True
    )
    letter_id: Mapped[UUID] = mapped_column(
        ForeignKey("letters.id", ondelete="CASCADE"), index=True
    )
