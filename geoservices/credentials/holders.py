"""The accounts of members: made, and found."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Person
from geoservices.credentials import queries
from geoservices.credentials.models import LocalAccount
from geoservices.credentials.queries import Holder
from geoservices.credentials.rules import read_username
from geoservices.errors import ErrorKind, GeoservicesError, NotFound


class NoLocalAccount(GeoservicesError):
    """The member does not sign in with a password of this installation."""

    kind = ErrorKind.CONFLICT
    code = "no-local-account"
    title = "There is no password here"

    def __init__(self) -> None:
        super().__init__("This is for members with a username and password of this installation.")


class UsernameTaken(GeoservicesError):
    """Somebody else of this installation has that username; nothing was stored."""

    kind = ErrorKind.CONFLICT
    code = "username-taken"
    title = "The username is taken"

    def __init__(self) -> None:
        super().__init__("Choose another one.", field="/username")


def open_account(
    session: Session, person: Person, username: str | None, *, at: datetime
) -> LocalAccount:
    """Return a member's account, made if there was none, by the username given if there is one.

    Raises:
        UsernameRefused: No username can be made of it, or there is none yet.
        UsernameTaken: Somebody else has it.
    """
    account = queries.lock_account(session, person.id)
    if account and username is None:
        return account
    wanted = read_username(username or "")
    other = queries.account_named(session, wanted)
    if other and other.person_id != person.id:
        raise UsernameTaken
    if account is None:
        account = LocalAccount(person_id=person.id, username=wanted, created_at=at)
        session.add(account)
    account.username = wanted
    session.flush()
    return account


def make_member(
    session: Session, slug: str, *, role: Role, name: str, username: str, at: datetime
) -> LocalAccount:
    """Return an organisation's account of that username, with a new member if there was none.

    Raises:
        NotFound: There is no such organisation.
        UsernameRefused: No username can be made of it.
        UsernameTaken: A member of another organisation has it.
    """
    organisation = accounts.organisation_by_slug(session, slug)
    if organisation is None:
        raise NotFound("organisation")
    known = queries.account_named(session, read_username(username))
    if known:
        if queries.member_of(session, organisation.id, known.person_id) is None:
            raise UsernameTaken
        return known
    member = Person(
        id=uuid4(),
        organisation_id=organisation.id,
        role=role,
        name=name,
        time_zone=organisation.time_zone,
        created_at=at,
    )
    session.add(member)
    session.flush()
    return open_account(session, member, username, at=at)


def require_member(session: Session, organisation_id: UUID, person_id: UUID) -> Person:
    """Return an organisation's member.

    Raises:
        NotFound: There is none of that id in it.
    """
    member = queries.member_of(session, organisation_id, person_id)
    if member is None:
        raise NotFound("member")
    return member


def require_account(session: Session, person_id: UUID) -> LocalAccount:
    """Return a member's account, which nobody else changes for the moment.

    Raises:
        NoLocalAccount: They have none.
    """
    account = queries.lock_account(session, person_id)
    if account is None:
        raise NoLocalAccount
    return account


def require_holder(session: Session, person_id: UUID) -> Holder:
    """Return a member's account with what is known of them.

    Raises:
        NoLocalAccount: They have none.
    """
    holder = queries.holder_of(session, person_id)
    if holder is None:
        raise NoLocalAccount
    return holder
