"""People's e-mail addresses, and the life of each letter to them."""

from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.leasing.models import Leased
from geoservices.register import Basis, Kept, about, personal


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
    PASSWORD_SET = "password-set"  # noqa: S105  # As above.
    """Tells a member that their account has a new password."""
    SECOND_FACTOR_ON = "second-factor-on"
    """Tells them that signing in takes a code as well."""
    SECOND_FACTOR_OFF = "second-factor-off"
    """Tells them that it takes none any more."""


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
        {
            "info": about(
                purpose="write to those who want letters",
                basis=Basis.CONSENT,
                kept=Kept(words="until its owner takes it away, or withdraws the consent"),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the address's number")
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), unique=True, info=personal("whose it is")
    )
    address: Mapped[str] = mapped_column(String(254), info=personal("the e-mail address"))
    digest_at: Mapped[time] = mapped_column(info=personal("at what time they want the digest"))
    set_at: Mapped[datetime] = mapped_column(info=personal("when they gave it"))
    confirmed_at: Mapped[datetime | None] = mapped_column(
        info=personal("when they showed that it is theirs")
    )
    bouncing_at: Mapped[datetime | None] = mapped_column(
        info=personal("since when letters come back")
    )
    refused_count: Mapped[int] = mapped_column(
        default=0, info=personal("how many came back in a row")
    )
    digest_due_at: Mapped[datetime | None] = mapped_column(info=personal("when a digest is due"))


class Confirmation(Base):
    """A secret that was sent to an address, kept as a hash; whoever knows it reads mail there."""

    __tablename__ = "confirmations"
    __table_args__ = (
        {
            "info": about(
                purpose="see that an address is its person's",
                basis=Basis.CONSENT,
                kept=Kept(words="until it is used, or two days"),
            )
        },
    )

    token_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), primary_key=True, info=personal("the hash of the secret in a letter")
    )
    address_id: Mapped[UUID] = mapped_column(
        ForeignKey("email_addresses.id", ondelete="CASCADE"),
        index=True,
        info=personal("which address"),
    )
    expires_at: Mapped[datetime] = mapped_column(index=True, info=personal("until when it counts"))


class Letter(Leased, Base):
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
        {
            "info": about(
                purpose="send each letter once, and not too many",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="retention.letters",
                    words="after it was made; all but digests for two days",
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the letter's number")
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), info=personal("to whom")
    )
    address_id: Mapped[UUID | None] = mapped_column(info=personal("to which address of theirs"))
    recipient: Mapped[str | None] = mapped_column(
        String(254), info=personal("a member's address, where it is none of theirs here")
    )
    address_mark: Mapped[bytes | None] = mapped_column(
        LargeBinary(32), info=personal("a hash that tells whether two went to one address")
    )
    kind: Mapped[str] = mapped_column(String(20), info=personal("what sort of letter"))
    day: Mapped[date | None] = mapped_column(info=personal("the day of a digest"))
    state: Mapped[str] = mapped_column(String(20), info=personal("how far it came"))
    reason: Mapped[str | None] = mapped_column(String(200), info=personal("why not further"))
    attempt_count: Mapped[int] = mapped_column(default=0, info=personal("how often it was tried"))
    created_at: Mapped[datetime] = mapped_column(info=personal("when it was made"))
    due_at: Mapped[datetime] = mapped_column(info=personal("when it is tried next"))
    leased_until: Mapped[datetime | None] = mapped_column(
        info=personal("until when a worker has it")
    )
    expires_at: Mapped[datetime] = mapped_column(info=personal("until when it is worth sending"))
    sent_at: Mapped[datetime | None] = mapped_column(info=personal("when the mail server took it"))


class DigestItem(Base):
    """A notification in a digest; it is in one at most, ever."""

    __tablename__ = "digest_items"
    __table_args__ = (
        {
            "info": about(
                purpose="tell of each notification in one digest at most", basis=Basis.CONSENT
            )
        },
    )

    notification_id: Mapped[UUID] = mapped_column(
        ForeignKey("notifications.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal("what was told"),
    )
    letter_id: Mapped[UUID] = mapped_column(
        ForeignKey("letters.id", ondelete="CASCADE"), index=True, info=personal("in which letter")
    )
