"""Members signed in and out by their organisation's identity provider."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts import queries as accounts_queries
from geoservices.accounts import service as accounts
from geoservices.accounts.models import Organisation, Person, SignInKind
from geoservices.audit import service as audit
from geoservices.database import SessionFactory, transaction
from geoservices.errors import NotFound
from geoservices.oidc import queries
from geoservices.oidc.claims import MAX_NAME, Claims, name_of, role_of, session_of
from geoservices.oidc.models import Identity
from geoservices.oidc.pending import PendingSignIn
from geoservices.oidc.provider import Provider
from geoservices.oidc.refusals import (
    NoRole,
    ProviderUnavailable,
    SignInDisabled,
    SignInNotBegun,
    TokenRefused,
)
from geoservices.oidc.tokens import Logout
from geoservices.scopes import open_wide
from geoservices.settings.entering import OidcSettings
from geoservices.settings.providers import ProviderSettings


def make_providers(settings: OidcSettings, *, public_url: str) -> dict[str, Provider]:
    """Return the providers of the settings by their short names, in the settings' order."""
    return {one.slug: Provider(settings, one, public_url=public_url) for one in settings.providers}


def finish(
    sessions: SessionFactory,
    provider: Provider,
    begun: PendingSignIn,
    *,
    code: str,
    lifetime: timedelta,
    at: datetime,
) -> str:
    """Let in whoever the provider sent back with a code; return the token of their sign-in.

    What is pending is used up before the provider is asked, whatever comes of it. No connection to
    the database is held meanwhile.

    Raises:
        SignInNotBegun: It was used before.
        TokenRefused: The provider's answer does not hold.
        NoRole: The member has none any more; what they had is ended.
        SignInDisabled: An admin disabled the member.
        ProviderUnavailable: It does not answer.
    """
    with transaction(sessions) as session:
        if not queries.spend(session, begun.hash, expires_at=begun.expires_at, at=at):
            raise SignInNotBegun
    claims = provider.redeem(begun, code, at=at)
    with transaction(sessions) as session:
        open_wide(session)
        token = welcome(session, provider.settings, claims, lifetime=lifetime, at=at)
    # What was ended for lack of a role stays so: the refusal comes after the transaction.
    if token is None:
        raise NoRole
    return token


def welcome(
    session: Session,
    settings: ProviderSettings,
    claims: Claims,
    *,
    lifetime: timedelta,
    at: datetime,
) -> str | None:
    """Sign in whom a provider speaks of, with the role that their claims give them.

    Whoever comes for the first time becomes a member. Whose claims give no role is let in no
    more, and their sign-ins and devices end.

    Returns:
        The token of the sign-in, which is not kept; None for whoever has no role.

    Raises:
        SignInDisabled: An admin disabled the member.
        ProviderUnavailable: The organisation of the settings does not exist.
    """
    organisation = accounts_queries.organisation_by_slug(session, settings.organisation)
    if organisation is None:
        raise ProviderUnavailable("no-such-organisation")
    role = role_of(
        claims,
        path=settings.roles_claim,
        roles=settings.roles,
        default=settings.default_role,
    )
    issuer, subject = settings.issuer, str(claims["sub"])
    known = queries.identity_of(session, organisation.id, issuer=issuer, subject=subject)
    if role is None:
        _turn_away(session, known, at)
        return None
    if known is not None and known[1].disabled_at is not None:
        raise SignInDisabled
    if known is None:
        queries.lock_organisation(session, organisation.id)
        known = queries.identity_of(session, organisation.id, issuer=issuer, subject=subject)
    identity, person = known or _make_member(
        session, organisation, issuer=issuer, subject=subject, role=role, at=at
    )
    if role is Role.AUDITOR and person.role != role:
        # Auditors change nothing, and what they had before may.
        accounts_queries.revoke_all_of(session, [person.id], at=at)
    person.role = role
    person.reach = person.reach if role is Role.MANAGER else None
    person.name = name_of(claims) or person.name or subject[:MAX_NAME]
    identity.signed_in_at = at
    _sign_in, token = accounts.sign_in(
        session,
        person.id,
        kind=SignInKind.OIDC,
        label=settings.name,
        lifetime=lifetime,
        provider_session=session_of(claims),
        at=at,
    )
    return token


def log_out(
    session: Session, settings: ProviderSettings, logout: Logout, *, at: datetime
) -> Sequence[UUID]:
    """End the sign-ins that a provider's logout token names; return their ids.

    Devices stay: they are the person's, and go on without anybody being signed in.

    Raises:
        TokenRefused: The token was used before.
        NotFound: The organisation of the settings does not exist.
    """
    organisation = accounts_queries.organisation_by_slug(session, settings.organisation)
    if organisation is None:
        raise NotFound("organisation")
    told = f"logout\0{settings.issuer}\0{logout.token_id}"
    hash_ = hashlib.sha256(told.encode()).digest()
    if not queries.spend(session, hash_, expires_at=logout.expires_at, at=at):
        raise TokenRefused("used-before")
    ended = queries.end_sign_ins(
        session,
        organisation.id,
        issuer=settings.issuer,
        subject=logout.subject,
        provider_session=logout.provider_session,
        at=at,
    )
    for id_ in ended:
        audit.record(
            session,
            None,
            "log_out_by_provider",
            "sign-in",
            id_,
            organisation_id=organisation.id,
        )
    return ended


def _turn_away(session: Session, known: tuple[Identity, Person] | None, at: datetime) -> None:
    if known is not None:
        person = known[1]
        accounts_queries.revoke_all_of(session, [person.id], at=at)
        audit.record(
            session,
            None,
            "sign_in_refused",
            "person",
            person.id,
            {"reason": NoRole.code},
            organisation_id=person.organisation_id,
        )


def _make_member(
    session: Session,
    organisation: Organisation,
    *,
    issuer: str,
    subject: str,
    role: Role,
    at: datetime,
) -> tuple[Identity, Person]:
    person = Person(
        id=uuid4(),
        organisation_id=organisation.id,
        role=role,
        time_zone=organisation.time_zone,
        created_at=at,
    )
    session.add(person)
    session.flush()
    identity = Identity(
        id=uuid4(),
        organisation_id=organisation.id,
        person_id=person.id,
        issuer=issuer,
        subject=subject,
        created_at=at,
        signed_in_at=at,
    )
    session.add(identity)
    session.flush()
    return identity, person
