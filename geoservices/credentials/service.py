"""Signing in, and setting passwords.

Each function that looks at a password runs its own short transactions round it: the attempt is
counted and committed before, and nothing is locked while argon2 takes its time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.accounts.acting import actor_of
from geoservices.accounts.models import Person, SignIn, SignInKind
from geoservices.accounts.service import sign_in as let_in
from geoservices.accounts.tokens import hash_token
from geoservices.audit import service as audit
from geoservices.credentials import attempts, queries, second_factor
from geoservices.credentials.attempts import Attempt
from geoservices.credentials.changes import Change
from geoservices.credentials.hashing import Hasher
from geoservices.credentials.holders import require_account, require_holder
from geoservices.credentials.links import LinkRefused
from geoservices.credentials.models import LocalAccount
from geoservices.credentials.queries import Holder
from geoservices.credentials.rules import check_password
from geoservices.credentials.second_factor import SecondFactorRefused
from geoservices.credentials.sources import make_pass
from geoservices.credentials.waits import FORGOTTEN_AFTER
from geoservices.database import SessionFactory, transaction
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.limiting.limiter import Limit, Limiter
from geoservices.scopes import everywhere, open_wide
from geoservices.settings.service import Settings


class SignInRefused(GeoservicesError):
    """The username or the password is wrong; which of the two is not told."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "sign-in-refused"
    title = "Username or password is wrong"

    def __init__(self) -> None:
        super().__init__("Check both. After five wrong attempts each further one takes a wait.")


class PasswordWrong(GeoservicesError):
    """The present password, asked for once more, is another; nothing was changed."""

    kind = ErrorKind.FORBIDDEN
    code = "password-wrong"
    title = "The password is wrong"

    def __init__(self) -> None:
        super().__init__("Give the password that you sign in with now.", field="/password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What somebody who wants to sign in has typed, and where they are.

    `shown` is the pass of a browser that has signed in before.
    """

    username: str = field(repr=False)
    password: str = field(repr=False)
    code: str | None = field(repr=False)
    shown: str | None = field(repr=False)
    address: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A sign-in just made; token and pass are not kept and cannot be shown again."""

    sign_in: SignIn
    token: str = field(repr=False)
    browser_pass: str = field(repr=False)


Tell = Callable[[Session, LocalAccount, Change, datetime], None]
"""Has a member told, if the transaction is committed, what of their account changed and when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What it takes to look at passwords."""

    sessions: SessionFactory
    hasher: Hasher
    limiter: Limiter
    settings: Settings
    tell: Tell

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Run the block in one transaction that sees everyone, as nobody is known before it."""
        with transaction(self.sessions) as session:
            open_wide(session)
            yield session

    @contextmanager
    def noting_refusals(self, attempt: Attempt, sign_in: SignIn | None = None) -> Iterator[None]:
        """Have the audit log told if what was given is wrong.

        Args:
            attempt: What it was measured against; nothing of it is under way.
            sign_in: Where the member is signed in, who was asked again.
        """
        try:
            yield
        except (SignInRefused, PasswordWrong, SecondFactorRefused) as refused:
            with self.transaction() as session:
                attempts.note_refusal(session, attempt, refused.code, sign_in=sign_in)
            raise


def sign_in(desk: Desk, given: Given, *, at: datetime) -> SignedIn:
    """Let a member in who knows username and password, and has the second factor if there is one.

    Raises:
        TooManyRequests: Too many were tried lately, right or wrong.
        TooManyAttempts: Too many before were wrong; the password was not looked at.
        SignInRefused: There is no such username, or the password is another.
        SecondFactorNeeded: The account asks for a code as well.
        SecondFactorRefused: The code is not good.
    """
    settings = desk.settings
    desk.limiter.spend(Limit.SIGN_IN_BY_ADDRESS, given.address)
    with desk.transaction() as session:
        attempt = attempts.begin(
            session, given.username, shown=given.shown, settings=settings, at=at
        )
    # By where it comes from as well, so that nobody uses up what is another's.
    who = (attempt.mark.hex(), attempt.source.hex())
    desk.limiter.spend(Limit.SIGN_IN_BY_ACCOUNT, *who)
    with desk.noting_refusals(attempt):
        return _let_in(desk, given, attempt, who, at=at)


def _let_in(
    desk: Desk, given: Given, attempt: Attempt, who: tuple[str, str], *, at: datetime
) -> SignedIn:
    settings = desk.settings
    better = _checked(desk.hasher, attempt, given.password)
    if given.code is not None:
        desk.limiter.spend(Limit.SECOND_FACTOR_BY_ACCOUNT, *who)
    with desk.transaction() as session:
        account = _unchanged(session, attempt)
        second_factor.take(session, account, given.code, settings=settings, at=at)
        attempts.forgive(session, attempt)
        account.password_hash = better or account.password_hash
        person = session.get_one(Person, account.person_id)
        made, token = let_in(
            session,
            person.id,
            kind=SignInKind.PASSWORD,
            label=given.label,
            lifetime=settings.sign_in.lifetime,
            idle=settings.sign_in.idle,
            at=at,
        )
        made.enrolling = second_factor.is_demanded(person, account, settings)
        browser_pass = make_pass(settings.codes.secret, person.id)
        return SignedIn(sign_in=made, token=token, browser_pass=browser_pass)


def ask_again(desk: Desk, sign_in: SignIn, password: str, *, at: datetime) -> Attempt:
    """Make sure that whoever is signed in still is the member, before something weighty.

    Returns:
        The attempt, to be forgiven once all is well.

    Raises:
        NoLocalAccount: They have no password here.
        TooManyAttempts: Too many before were wrong.
        PasswordWrong: It is another.
    """
    attempt = begin_again(desk, sign_in, at=at)
    with desk.noting_refusals(attempt, sign_in):
        if not desk.hasher.matches(attempt.password_hash, password):
            raise PasswordWrong
    return attempt


def begin_again(desk: Desk, sign_in: SignIn, *, at: datetime) -> Attempt:
    """Count that somebody who is signed in gives their password or a code once more.

    Raises:
        NoLocalAccount: They have no password here.
        TooManyAttempts: Too many before were wrong.
    """
    with desk.transaction() as session:
        account = require_account(session, sign_in.person_id)
        return attempts.begin_again(session, account, sign_in.id, settings=desk.settings, at=at)


def change_password(desk: Desk, sign_in: SignIn, *, current: str, new: str, at: datetime) -> None:
    """Set another password, and end the member's other sign-ins.

    Raises:
        NoLocalAccount: They have no password here.
        TooManyAttempts: Too many before were wrong.
        PasswordWrong: The present one is another.
        PasswordRefused: The new one is easily guessed.
    """
    attempt = ask_again(desk, sign_in, current, at=at)
    with desk.transaction() as session:
        holder = require_holder(session, sign_in.person_id)
    password_hash = _hashed(desk.hasher, new, holder)
    with desk.transaction() as session:
        attempts.forgive(session, attempt)
        _set_password(desk, session, sign_in.person_id, password_hash, but=sign_in.id, at=at)


def set_password(desk: Desk, token: str, password: str, *, at: datetime) -> tuple[str, str]:
    """Set the password of whoever was sent a link, once, and end all their sign-ins.

    Returns:
        The username, and a pass for the browser that the link was opened in.

    Raises:
        LinkRefused: The link is unknown, too old, or was used before.
        PasswordRefused: The password is easily guessed; the link stays good.
    """
    token_hash = hash_token(token)
    with desk.transaction() as session:
        link = queries.link_by_token(session, token_hash, at=at)
        if link is None:
            raise LinkRefused
        holder = require_holder(session, link.person_id)
    password_hash = _hashed(desk.hasher, password, holder)
    with desk.transaction() as session:
        person_id = queries.use_link(session, token_hash, at=at)
        if person_id is None:
            raise LinkRefused
        account = _set_password(desk, session, person_id, password_hash, at=at)
        attempts.forgive_strangers(session, account.username, settings=desk.settings)
    return account.username, make_pass(desk.settings.codes.secret, person_id)


def remove_second_factor(session: Session, person_id: UUID, *, tell: Tell, at: datetime) -> None:
    """Ask a member for no code any more, and sign them out everywhere.

    Raises:
        NoLocalAccount: They have no password here.
    """
    # A person's own rows, which are otherwise for themselves.
    with everywhere(session):
        account = require_account(session, person_id)
        if account.has_second_factor:
            tell(session, account, Change.SECOND_FACTOR_OFF, at)
        second_factor.remove(session, account)
        accounts.end_sign_ins(session, person_id, at=at)


def tidy(session: Session, *, at: datetime) -> None:
    """Forget what is over: links and wrong attempts."""
    queries.drop_links_over(session, at=at)
    queries.forget_attempts_before(session, at - FORGOTTEN_AFTER)


def _checked(hasher: Hasher, attempt: Attempt, password: str) -> str | None:
    """Return a better hash of the password, where the one there is was made with less."""
    if not hasher.matches(attempt.password_hash, password) or attempt.password_hash is None:
        raise SignInRefused
    return hasher.hash(password) if hasher.is_outdated(attempt.password_hash) else None


def _unchanged(session: Session, attempt: Attempt) -> LocalAccount:
    """Return the account, unless its password was changed while an attempt was looked at."""
    account = attempt.person_id and queries.lock_account(session, attempt.person_id)
    if not account or account.password_hash != attempt.password_hash:
        raise SignInRefused
    if session.get_one(Person, account.person_id).disabled_at is not None:
        raise SignInRefused
    return account


def _hashed(hasher: Hasher, password: str, holder: Holder) -> str:
    names = (holder.account.username, holder.person.name or "")
    organisation = (holder.organisation.name, holder.organisation.slug)
    check_password(password, about=(*names, *organisation, "geoservices"))
    return hasher.hash(password)


def _set_password(
    desk: Desk,
    session: Session,
    person_id: UUID,
    password_hash: str,
    *,
    but: UUID | None = None,
    at: datetime,
) -> LocalAccount:
    account = require_account(session, person_id)
    account.password_hash, account.password_set_at = password_hash, at
    queries.drop_links(session, person_id)
    accounts.end_sign_ins(session, person_id, but=but, at=at)
    member = actor_of(session.get_one(Person, person_id), sign_in_id=but)
    audit.record(session, member, "set_password", "person", person_id)
    desk.tell(session, account, Change.PASSWORD_SET, at)
    return account
