"""What is asked of identities."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation, Person, SignIn, SignInKind
from geoservices.oidc.models import Identity, Spent


def identity_of(
    session: Session, organisation_id: UUID, *, issuer: str, subject: str
) -> tuple[Identity, Person] | None:
    """Return the identity of a provider's subject in an organisation, with its member."""
    row = session.execute(
        select(Identity, Person)
        .join(Person, Person.id == Identity.person_id)
        .where(
            Identity.organisation_id == organisation_id,
            Identity.issuer == issuer,
            Identity.subject == subject,
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


def issuers_of(session: Session, person_id: UUID) -> set[tuple[str, str]]:
    """Return who vouches for a member: short names of organisations, each with an issuer."""
    rows = session.execute(
        select(Organisation.slug, Identity.issuer)
        .join(Organisation, Organisation.id == Identity.organisation_id)
        .where(Identity.person_id == person_id)
    )
    return {(slug, issuer) for slug, issuer in rows}


def spend(session: Session, hash_: bytes, *, expires_at: datetime, at: datetime) -> bool:
    """Remember that something was used; tell whether this was the first time.

    What would have expired by now is forgotten on the way.
    """
    session.execute(delete(Spent).where(Spent.expires_at <= at))
    spent = session.execute(
        insert(Spent)
        .values(hash=hash_, expires_at=expires_at)
        .on_conflict_do_nothing()
        .returning(Spent.hash)
    )
    return spent.first() is not None


def end_sign_ins(
    session: Session,
    organisation_id: UUID,
    *,
    issuer: str,
    subject: str | None,
    provider_session: str | None,
    at: datetime,
) -> Sequence[UUID]:
    """End the sign-ins that came from a provider; return their ids.

    Args:
        session: The transaction.
        organisation_id: Whose provider it is.
        issuer: The provider.
        subject: Those of this subject only, unless None.
        provider_session: Those of this session of the provider's only, unless None.
        at: Now.
    """
    people = select(Identity.person_id).where(
        Identity.organisation_id == organisation_id, Identity.issuer == issuer
    )
    if subject is not None:
        people = people.where(Identity.subject == subject)
    statement = update(SignIn).where(
        SignIn.person_id.in_(people), SignIn.kind == SignInKind.OIDC, SignIn.revoked_at.is_(None)
    )
    if provider_session is not None:
        statement = statement.where(SignIn.provider_session == provider_session)
    return session.scalars(statement.values(revoked_at=at).returning(SignIn.id)).all()
