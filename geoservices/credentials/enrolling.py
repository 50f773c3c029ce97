"""A member sets their second factor up, or removes it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts.acting import actor_of
from geoservices.accounts.models import Person, SignIn
from geoservices.audit import service as audit
from geoservices.credentials import attempts, queries, second_factor
from geoservices.credentials.attempts import Attempt
from geoservices.credentials.changes import Change
from geoservices.credentials.holders import require_account
from geoservices.credentials.second_factor import SecondFactorOff, Shared
from geoservices.credentials.service import Desk, ask_again, begin_again
from geoservices.limiting.limiter import Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Since when an account asks for a code, and how many recovery codes nobody has used."""

    confirmed_at: datetime | None
    recovery_codes_left: int


def standing(session: Session, person_id: UUID) -> Standing:
    """Return how a member's second factor stands.

    Raises:
        NoLocalAccount: They have no password here.
    """
    return Standing(
        confirmed_at=require_account(session, person_id).totp_confirmed_at,
        recovery_codes_left=queries.recovery_codes_left(session, person_id),
    )


def begin(desk: Desk, sign_in: SignIn, password: str, *, at: datetime) -> Shared:
    """Make a secret for an authenticator app, for whoever knows the password.

    Raises:
        NoLocalAccount: They have no password here.
        TooManyAttempts: Too many before were wrong.
        PasswordWrong: It is another.
        SecondFactorOn: There is one already.
        SecondFactorUnavailable: No secret can be kept here.
    """
    attempt = ask_again(desk, sign_in, password, at=at)
    with desk.transaction() as session:
        attempts.forgive(session, attempt)
        account = require_account(session, sign_in.person_id)
        return second_factor.begin(account, desk.settings)


def confirm(desk: Desk, sign_in: SignIn, code: str, *, at: datetime) -> list[str]:
    """Let the second factor count, and return the recovery codes.

    Raises:
        NoLocalAccount: They have no password here.
        TooManyRequests: Too many codes were tried lately, right or wrong.
        TooManyAttempts: Too many before were wrong; the code was not looked at.
        SecondFactorOn: It counts already.
        SecondFactorOff: Setting it up was not begun.
        SecondFactorRefused: It is no code that the app shows now.
    """
    attempt = begin_again(desk, sign_in, at=at)
    _spend(desk, attempt)
    with desk.noting_refusals(attempt, sign_in), desk.transaction() as session:
        account = require_account(session, sign_in.person_id)
        here = session.get_one(SignIn, sign_in.id)
        codes = second_factor.confirm(session, account, here, code, settings=desk.settings, at=at)
        attempts.forgive(session, attempt)
        _note(session, session.get_one(Person, account.person_id), here, "add_second_factor")
        desk.tell(session, account, Change.SECOND_FACTOR_ON, at)
    return codes


def remove(desk: Desk, sign_in: SignIn, *, password: str, code: str, at: datetime) -> None:
    """Ask for no code any more; where one is demanded, this sign-in is good for nothing else.

    Raises:
        NoLocalAccount: They have no password here.
        TooManyAttempts: Too many before were wrong.
        TooManyRequests: Too many codes were tried lately, right or wrong.
        PasswordWrong: It is another.
        SecondFactorOff: There is none.
        SecondFactorRefused: The code is not good.
    """
    attempt = ask_again(desk, sign_in, password, at=at)
    _spend(desk, attempt)
    with desk.noting_refusals(attempt, sign_in), desk.transaction() as session:
        account = require_account(session, sign_in.person_id)
        if not account.has_second_factor:
            raise SecondFactorOff
        second_factor.take(session, account, code, settings=desk.settings, at=at)
        attempts.forgive(session, attempt)
        second_factor.remove(session, account)
        person = session.get_one(Person, account.person_id)
        here = session.get_one(SignIn, sign_in.id)
        here.enrolling = second_factor.is_demanded(person, account, desk.settings)
        _note(session, person, here, "remove_second_factor")
        desk.tell(session, account, Change.SECOND_FACTOR_OFF, at)


def _spend(desk: Desk, attempt: Attempt) -> None:
    desk.limiter.spend(Limit.SECOND_FACTOR_BY_ACCOUNT, attempt.mark.hex(), attempt.source.hex())


def _note(session: Session, person: Person, sign_in: SignIn, action: str) -> None:
    member = actor_of(person, sign_in_id=sign_in.id)
    audit.record(session, member, action, "person", person.id)
