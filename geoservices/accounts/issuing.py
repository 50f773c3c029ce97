"""Tokens for members that the operator hands out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts import queries
from geoservices.accounts.models import Organisation, Person, SignInKind
from geoservices.accounts.service import sign_in
from geoservices.errors import Forbidden, NotFound


class NameNotUnique(ValueError):
    """Several members of the organisation have the name that the operator gave."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Several members are called {name}. Name one by their e-mail address.")


def issue_access_token(
    session: Session, slug: str, *, role: Role | None, name: str, lifetime: timedelta, at: datetime
) -> str:
    """Make a bearer token of a member's, which is shown this once.

    Args:
        session: The transaction to write in.
        slug: The organisation's.
        role: What they are; None for whoever is a member already.
        name: Their name or e-mail address; of a name that nobody has a member is made.
        lifetime: How long the token holds.
        at: Now.

    Raises:
        NotFound: There is no such organisation, or no such member and no role to make one.
        NameNotUnique: Several members have the name.
        Forbidden: Citizens do not sign in, and nobody changes their role by this.
        Unauthenticated: They are let in nowhere.
    """
    organisation = queries.organisation_by_slug(session, slug)
    if organisation is None:
        raise NotFound("organisation")
    if role is Role.CITIZEN:
        raise Forbidden("A citizen's device makes its own token.")
    known = queries.members_called(session, organisation.id, name)
    if len(known) > 1:
        raise NameNotUnique(name)
    member = known[0] if known else _make_member(session, organisation, role, name, at)
    if role not in {None, Role(member.role)}:
        raise Forbidden(f"{name} is there already, with the role {member.role}.")
    _sign_in, token = sign_in(
        session, member.id, kind=SignInKind.TOKEN, label=name, lifetime=lifetime, at=at
    )
    return token


def members_called(session: Session, slug: str, name: str) -> Sequence[Person]:
    """Return an organisation's members of that name or address.

    Raises:
        NotFound: There is no such organisation, or nobody in it is called that.
    """
    organisation = queries.organisation_by_slug(session, slug)
    if organisation is None:
        raise NotFound("organisation")
    members = queries.members_called(session, organisation.id, name)
    if not members:
        raise NotFound("member")
    return members


def _make_member(
    session: Session, organisation: Organisation, role: Role | None, name: str, at: datetime
) -> Person:
    if role is None:
        raise NotFound("member")
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
    return member
