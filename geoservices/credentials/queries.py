"""What is asked of local accounts."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation, Person
from geoservices.credentials.models import (
    FailedAttempts,
    LocalAccount,
    PasswordLink,
    RecoveryCode,
)


class Holder(NamedTuple):
    """A local account, whose it is, and where they belong."""

    account: LocalAccount
    person: Person
    organisation: Organisation


_HOLDERS = (
    select(LocalAccount, Person, Organisation)
    .join(Person, Person.id == LocalAccount.person_id)
    .join(Organisation, Organisation.id == Person.organisation_id)
)


def account_named(session: Session, username: str) -> LocalAccount | None:
    """Return the account of that username, in whichever organisation."""
    return session.scalars(
        select(LocalAccount).where(LocalAccount.username == username)
    ).one_or_none()


def accounts_reset_by(session: Session, name: str) -> Sequence[LocalAccount]:
    """Return the accounts of whoever has that username or e-mail address, and is let in."""
    return session.scalars(
        select(LocalAccount)
        .join(Person, Person.id == LocalAccount.person_id)
        .where(
            or_(LocalAccount.username == name, Person.email == name), Person.disabled_at.is_(None)
        )
    ).all()


def account_of(session: Session, person_id: UUID) -> LocalAccount | None:
    """Return a person's account."""
    return session.get(LocalAccount, person_id)


def lock_account(session: Session, person_id: UUID) -> LocalAccount | None:
    """Return a person's account as it is now, which nobody else changes for the moment."""
    return session.get(LocalAccount, person_id, with_for_update=True, populate_existing=True)


def holder_of(session: Session, person_id: UUID) -> Holder | None:
    """Return a person's account with what is known of them."""
    row = session.execute(_HOLDERS.where(LocalAccount.person_id == person_id)).one_or_none()
    return Holder(*row) if row else None


def hold_holders(session: Session, person_ids: Collection[UUID]) -> dict[UUID, Holder]:
    """Return those of the people who have accounts, which nobody changes for the moment."""
    rows = session.execute(
        _HOLDERS.where(LocalAccount.person_id.in_(person_ids))
        .order_by(LocalAccount.person_id)
        .with_for_update(of=LocalAccount, read=True)
        .execution_options(populate_existing=True)
    )
    return {row[0].person_id: Holder(*row) for row in rows}


def member_of(session: Session, organisation_id: UUID, person_id: UUID) -> Person | None:
    """Return an organisation's member of that id."""
    return session.scalars(
        select(Person).where(Person.id == person_id, Person.organisation_id == organisation_id)
    ).one_or_none()


def lock_attempts(session: Session, mark: bytes, source: bytes, *, at: datetime) -> FailedAttempts:
    """Return the count of wrong attempts, made at nought if there was none, and hold it."""
    # One statement: whoever signs in meanwhile deletes what a second would look for.
    return session.scalars(
        insert(FailedAttempts)
        .values(mark=mark, source=source, count=0, last_at=at)
        .on_conflict_do_update(
            index_elements=[FailedAttempts.mark, FailedAttempts.source],
            set_={FailedAttempts.count: FailedAttempts.count},
        )
        .returning(FailedAttempts),
        execution_options={"populate_existing": True},
    ).one()


def forget_attempts(session: Session, mark: bytes, source: bytes) -> None:
    """Let nobody wait for what was wrong before."""
    session.execute(
        delete(FailedAttempts).where(FailedAttempts.mark == mark, FailedAttempts.source == source)
    )


def forget_attempts_before(session: Session, instant: datetime) -> None:
    """Forget wrong attempts that no longer count."""
    session.execute(delete(FailedAttempts).where(FailedAttempts.last_at < instant))


def replace_recovery_codes(session: Session, person_id: UUID, hashes: Collection[bytes]) -> None:
    """Let these codes count for a person, and none of before."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    if hashes:
        rows = [{"person_id": person_id, "code_hash": one} for one in hashes]
        session.execute(insert(RecoveryCode).values(rows))


def use_recovery_code(session: Session, person_id: UUID, code_hash: bytes, *, at: datetime) -> bool:
    """Use a code up; tell whether there was such a code that nobody had used."""
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.code_hash == code_hash,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=at)
        .returning(RecoveryCode.person_id)
    )
    return used.first() is not None


def recovery_codes_left(session: Session, person_id: UUID) -> int:
    """Return how many codes nobody has used."""
    return session.scalars(
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
    ).one()


def link_by_token(session: Session, token_hash: bytes, *, at: datetime) -> PasswordLink | None:
    """Return the link with that secret, if it is still good."""
    return session.scalars(
        select(PasswordLink).where(
            PasswordLink.token_hash == token_hash, PasswordLink.expires_at > at
        )
    ).one_or_none()


def use_link(session: Session, token_hash: bytes, *, at: datetime) -> UUID | None:
    """Use a link up and return whose it is, or None if it is not good any more."""
    return session.scalars(
        delete(PasswordLink)
        .where(PasswordLink.token_hash == token_hash, PasswordLink.expires_at > at)
        .returning(PasswordLink.person_id)
    ).one_or_none()


def drop_links(session: Session, person_id: UUID) -> None:
    """Make every link of a person's worthless."""
    session.execute(delete(PasswordLink).where(PasswordLink.person_id == person_id))


def drop_links_over(session: Session, *, at: datetime) -> None:
    """Forget links that nobody used in time."""
    session.execute(delete(PasswordLink).where(PasswordLink.expires_at <= at))
