"""Local accounts, what recovers them, and how often somebody failed at their door."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.register import Basis, Kept, about, personal


class LocalAccount(Base):
    """That a member signs in with a password here; without a hash they have not set one yet.

    `totp_sealed` is the secret of the second factor, sealed with a key that is not in the database.
    It counts from `totp_confirmed_at` on. `totp_step` is the time step of the last code that was
    taken (RFC 6238 section 5.2): no code of it or of one before is taken again.
    """

    __tablename__ = "local_accounts"
    __table_args__ = (
        CheckConstraint(
            "(password_hash IS NULL) = (password_set_at IS NULL)", name="password_whole"
        ),
        CheckConstraint(
            "totp_confirmed_at IS NULL OR totp_sealed IS NOT NULL", name="second_factor_whole"
        ),
        {
            "info": about(
                purpose="let a member sign in with a password, and nobody else",
                basis=Basis.PUBLIC_TASK,
            )
        },
    )

    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal("whose account it is"),
    )
    username: Mapped[str] = mapped_column(
        String(254), unique=True, info=personal("what they sign in with")
    )
    password_hash: Mapped[str | None] = mapped_column(
        String(200), info=personal("the hash of their password")
    )
    password_set_at: Mapped[datetime | None] = mapped_column(info=personal("when they set it"))
    totp_sealed: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=personal("the secret of their second factor, sealed")
    )
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(
        info=personal("since when that counts")
    )
    totp_step: Mapped[int | None] = mapped_column(
        BigInteger, info=personal("when its last code was taken")
    )
    created_at: Mapped[datetime] = mapped_column(info=personal("since when there is the account"))

    @property
    def has_second_factor(self) -> bool:
        """Whether signing in takes a code as well."""
        return self.totp_confirmed_at is not None


class RecoveryCode(Base):
    """One code that stands in for a lost second factor, kept as a hash and taken once."""

    __tablename__ = "recovery_codes"
    __table_args__ = (
        {
            "info": about(
                purpose="let a member in who lost their second factor", basis=Basis.PUBLIC_TASK
            )
        },
    )

    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("local_accounts.person_id", ondelete="CASCADE"),
        primary_key=True,
        info=personal("whose it is"),
    )
    code_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), primary_key=True, info=personal("the hash of the code")
    )
    used_at: Mapped[datetime | None] = mapped_column(info=personal("when it was used"))


class LinkKind(StrEnum):
    """Why somebody may set a password without knowing the one before."""

    INVITATION = "invitation"
    RESET = "reset"


class PasswordLink(Base):
    """What lets whoever holds a link set a password, once; kept as a hash."""

    __tablename__ = "password_links"
    __table_args__ = (
        CheckConstraint(one_of("kind", LinkKind), name="kind_known"),
        {
            "info": about(
                purpose="let a member set a password by a link, once",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(words="until it is used or has run out"),
            )
        },
    )

    token_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), primary_key=True, info=personal("the hash of what stands in the link")
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("local_accounts.person_id", ondelete="CASCADE"),
        index=True,
        info=personal("for whom"),
    )
    kind: Mapped[str] = mapped_column(String(20), info=personal("why"))
    created_at: Mapped[datetime] = mapped_column(info=personal("when it was made"))
    expires_at: Mapped[datetime] = mapped_column(index=True, info=personal("until when it is good"))


class FailedAttempts(Base):
    """How often in a row a username's password or code was wrong, from one kind of place.

    `mark` is the keyed hash of the username, whether there is such an account or not. `source` is
    empty for whoever has not signed in to the account before; a browser that has, and a sign-in
    that asks for its own password again, each count for themselves.
    """

    __tablename__ = "failed_attempts"
    __table_args__ = (
        {
            "info": about(
                purpose="slow down whoever guesses passwords",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(words="for a day"),
            )
        },
    )

    mark: Mapped[bytes] = mapped_column(
        LargeBinary(32),
        primary_key=True,
        info=personal("a keyed hash of the username that was tried"),
    )
    source: Mapped[bytes] = mapped_column(
        LargeBinary(16), primary_key=True, info=personal("a keyed hash of where from")
    )
    count: Mapped[int] = mapped_column(info=personal("how often in a row it was wrong"))
    last_at: Mapped[datetime] = mapped_column(index=True, info=personal("when it was last"))
