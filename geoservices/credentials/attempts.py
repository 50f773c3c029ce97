"""Attempts at a password or code: counted before anything is looked at, so that none is free."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts.acting import actor_of
from geoservices.accounts.models import Person, SignIn
from geoservices.audit import service as audit
from geoservices.credentials import queries
from geoservices.credentials.models import LocalAccount
from geoservices.credentials.rules import fold
from geoservices.credentials.sources import STRANGERS, mark_of, source_of
from geoservices.credentials.waits import counted, still_to_wait
from geoservices.errors import TooOften
from geoservices.settings.service import Settings

NOBODY = UUID(int=0)
"""The id of no person."""


class TooManyAttempts(TooOften):
    """Too many passwords or codes in a row were wrong; this one was not looked at."""

    code = "too-many-attempts"
    title = "Too many attempts were wrong"

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(
            retry_after,
            "Wait for retry_after_s seconds and try again, or ask for a link that sets a new "
            "password. This attempt was not looked at.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt that was counted, and what it is measured against.

    `person_id` and `password_hash` are None where nobody of that name can sign in.
    """

    mark: bytes
    source: bytes
    person_id: UUID | None
    password_hash: str | None


def begin(
    session: Session, username: str, *, shown: str | None, settings: Settings, at: datetime
) -> Attempt:
    """Count an attempt to sign in, as if it were wrong; a right one is forgiven.

    Unknown usernames are counted like known ones.

    Args:
        session: Its transaction, which must be committed before the password is looked at.
        username: As it was typed.
        shown: The browser's pass, if it has one.
        settings: The service's.
        at: Now.

    Raises:
        TooManyAttempts: Too many before were wrong; this one was not counted.
    """
    typed = fold(username)
    account = queries.account_named(session, typed)
    person_id = account.person_id if account else None
    key = settings.codes.secret
    attempt = Attempt(
        mark=mark_of(key, typed),
        source=source_of(key, person_id, shown),
        person_id=person_id,
        password_hash=account.password_hash if account else None,
    )
    _count(session, attempt, at)
    return attempt


def begin_again(
    session: Session, account: LocalAccount, sign_in_id: UUID, *, settings: Settings, at: datetime
) -> Attempt:
    """Count an attempt of somebody who is signed in to give their password once more.

    It counts for that sign-in alone: whoever stole one keeps nobody else waiting.

    Raises:
        TooManyAttempts: As above.
    """
    attempt = Attempt(
        mark=mark_of(settings.codes.secret, account.username),
        source=sign_in_id.bytes,
        person_id=account.person_id,
        password_hash=account.password_hash,
    )
    _count(session, attempt, at)
    return attempt


def forgive(session: Session, attempt: Attempt) -> None:
    """Let an attempt that was right, and the wrong ones before it, keep nobody waiting."""
    queries.forget_attempts(session, attempt.mark, attempt.source)


def forgive_strangers(session: Session, username: str, *, settings: Settings) -> None:
    """Let nobody wait for what strangers did, since the password is a new one."""
    queries.forget_attempts(session, mark_of(settings.codes.secret, username), STRANGERS)


def note_refusal(
    session: Session, attempt: Attempt, reason: str, *, sign_in: SignIn | None
) -> None:
    """Have the audit log told of a wrong attempt, in the organisation's if there is the account.

    Of unknown names the installation's own is told, without the name: it may be a password. Either
    takes as long, so that the time tells nobody whether there is the account. Of somebody who is
    signed in and was asked again it says by which sign-in.
    """
    person = session.get(Person, attempt.person_id or NOBODY)
    audit.record(
        session,
        actor_of(person, sign_in_id=sign_in.id) if person and sign_in else None,
        "proof_refused" if sign_in else "sign_in_refused",
        "person",
        person.id if person else None,
        {"reason": reason},
        organisation_id=person.organisation_id if person else None,
    )


def _count(session: Session, attempt: Attempt, at: datetime) -> None:
    failed = queries.lock_attempts(session, attempt.mark, attempt.source, at=at)
    count = counted(failed.count, failed.last_at, at=at)
    if wait := still_to_wait(count, failed.last_at, at=at):
        raise TooManyAttempts(wait)
    failed.count, failed.last_at = count + 1, at
