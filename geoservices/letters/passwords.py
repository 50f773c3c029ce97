"""Letters about members' accounts: invitations, and links that set another password."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts.models import Person
from geoservices.accounts.queries import lock_people
from geoservices.credentials import queries as accounts
from geoservices.credentials.holders import open_account, require_holder
from geoservices.credentials.links import lifetime_of, make_link
from geoservices.credentials.models import LinkKind, LocalAccount
from geoservices.credentials.queries import Holder
from geoservices.credentials.rules import fold
from geoservices.database import SessionFactory, transaction
from geoservices.letters import composing, queries
from geoservices.letters.addresses import A_DAY, wait_before_another
from geoservices.letters.composing import Words
from geoservices.letters.members import recipient_of, send
from geoservices.letters.models import Letter, LetterKind
from geoservices.scopes import everywhere, open_wide
from geoservices.settings.service import Settings

LINKS = {
    LetterKind.INVITATION: LinkKind.INVITATION,
    LetterKind.PASSWORD_RESET: LinkKind.RESET,
}
"""What kind of link each kind of letter brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """How a member comes by their first or another password.

    `link` is None where it was sent to them. It is not kept and cannot be shown again.
    """

    username: str
    link: str | None = field(repr=False)
    expires_at: datetime


def invite(
    session: Session, member: Person, *, username: str | None, settings: Settings, at: datetime
) -> Invitation:
    """Let a member set a password, by a letter if one can be sent, else by the link returned.

    Args:
        session: Its transaction.
        member: Whoever is invited; they get an account if they have none.
        username: What they sign in with; None leaves it as it is.
        settings: The service's.
        at: Now.

    Raises:
        UsernameRefused: No username can be made of it, or there is none yet.
        UsernameTaken: Somebody else has it.
    """
    # A person's own rows, which are otherwise for themselves, and usernames of everyone.
    with everywhere(session):
        account = open_account(session, member, username, at=at)
        recipient = recipient_of(session, account, settings)
        if recipient is None:
            kind = LinkKind.INVITATION
            link, until = make_link(session, member.id, kind, settings=settings, at=at)
            return Invitation(username=account.username, link=link, expires_at=until)
        letter = _send(session, account, recipient, LetterKind.INVITATION, settings, at)
        return Invitation(username=account.username, link=None, expires_at=letter.expires_at)


def ask_for_reset(session: Session, name: str, *, settings: Settings, at: datetime) -> None:
    """Send whoever has that username or address a letter with a link that sets a new password.

    Nothing tells whether there was anyone: not if nobody has it, nor if they cannot be written to
    or were written to a minute ago or five times today.
    """
    for account in accounts.accounts_reset_by(session, fold(name)):
        _reset(session, account, settings, at)


def _reset(session: Session, account: LocalAccount, settings: Settings, at: datetime) -> None:
    lock_people(session, [account.person_id])
    asked = queries.letters_asked_for(
        session,
        LetterKind.PASSWORD_RESET,
        of=queries.by_person(account.person_id),
        since=at - A_DAY,
    )
    recipient = recipient_of(session, account, settings)
    if recipient is not None and not wait_before_another(asked, at):
        _send(session, account, recipient, LetterKind.PASSWORD_RESET, settings, at)


def answer_reset(sessions: SessionFactory, name: str, *, settings: Settings, at: datetime) -> None:
    """Do so once whoever asked has their answer, so that they cannot tell by its time either."""
    with transaction(sessions) as session:
        open_wide(session)
        ask_for_reset(session, name, settings=settings, at=at)


def hold(session: Session, letters: Sequence[Letter]) -> Mapping[UUID, Holder]:
    """Return whom letters let set a password, by their ids; nobody sets theirs for now.

    So a password is set either before a letter gets its link, which is seen here, or after that,
    which ends the link.
    """
    return accounts.hold_holders(session, {one.person_id for one in letters if one.kind in LINKS})


def obstacle(letter: Letter, holder: Holder | None) -> str | None:
    """Return why a letter shall let nobody set a password any more, or None if it shall.

    Links that there are end when a password is set. None must be made after that, since whoever
    asked for it may be why the password was set.
    """
    if letter.kind not in LINKS:
        return None
    if holder is None or holder.person.disabled_at is not None:
        return "the member is let in no more"
    set_at = holder.account.password_set_at
    return "a password was set meanwhile" if set_at and set_at > letter.created_at else None


def write(session: Session, letter: Letter, *, settings: Settings, at: datetime) -> Words:
    """Return what a letter about an account says; each attempt has a link of its own.

    So none is kept that could be read. All of them end when one is used.
    """
    kind = LetterKind(letter.kind)
    holder = require_holder(session, letter.person_id)
    link, _until = make_link(
        session,
        letter.person_id,
        LINKS[kind],
        settings=settings,
        at=at,
        expires_at=letter.expires_at,
    )
    compose = composing.invitation if kind is LetterKind.INVITATION else composing.password_reset
    return compose(
        link,
        username=holder.account.username,
        organisation=holder.organisation.name,
    )


def _send(
    session: Session,
    account: LocalAccount,
    recipient: str,
    kind: LetterKind,
    settings: Settings,
    at: datetime,
) -> Letter:
    lifetime = lifetime_of(LINKS[kind], settings)
    return send(session, account.person_id, recipient, kind, lifetime=lifetime, at=at)
