"""Members signed in and out by their organisation's identity provider."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts import admins
from geoservices.accounts import queries as accounts_queries
from geoservices.accounts import service as accounts
from geoservices.accounts.models import Organisation, Person, SignIn, SignInKind
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
    ProviderRefusal,
    ProviderUnavailable,
    SignInDisabled,
    SignInNotBegun,
    TokenRefused,
)
from geoservices.oidc.tokens import Logout
from geoservices.scopes import open_wide
from geoservices.settings.entering import OidcSettings
from geoservices.settings.providers import ProviderSettings

log = structlog.get_logger()


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
        came = welcome(session, provider.settings, claims, lifetime=lifetime, at=at)
    # What was ended and written down stays so: the refusal comes after the transaction.
    if isinstance(came, ProviderRefusal):
        raise came
    return came


def welcome(
    session: Session,
    settings: ProviderSettings,
    claims: Claims,
    *,
    lifetime: timedelta,
    at: datetime,
) -> str | ProviderRefusal:
    """Sign in whom a provider speaks of, with the role that their claims give them.

    Whoever comes for the first time becomes a member. Whose claims give no role is let in no
    more, and their sign-ins and devices end. Who alone runs the organisation goes on doing so.

    Returns:
        The token of the sign-in, which is not kept; or why there is none, to be raised once the
        transaction is committed.

    Raises:
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
    # Before anybody's row, so that nobody is made twice and two admins do not step down at once.
    accounts_queries.hold_organisation(session, organisation.id)
    known = queries.identity_of(session, organisation.id, issuer=issuer, subject=subject)
    if role is None:
        if known is not None:
            accounts_queries.revoke_all_of(session, [known[1].id], at=at)
        return _turned_away(session, known, NoRole())
    if known is not None and known[1].disabled_at is not None:
        return _turned_away(session, known, SignInDisabled())
    identity, person = known or _make_member(
        session, organisation, issuer=issuer, subject=subject, role=role, at=at
    )
    if role is not Role.ADMIN and admins.is_last(session, person):
        role = _kept_admin(session, settings, person, role)
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


def provider_of(
    session: Session, providers: Mapping[str, Provider], sign_in: SignIn
) -> Provider | None:
    """Return which of the providers a sign-in came from, or None if it was by none of them."""
    if sign_in.kind != SignInKind.OIDC:
        return None
    named = queries.issuers_of(session, sign_in.person_id)
    for provider in providers.values():
        if (provider.settings.organisation, provider.settings.issuer) in named:
            return provider
    return None


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


def _turned_away(
    session: Session, known: tuple[Identity, Person] | None, refusal: ProviderRefusal
) -> ProviderRefusal:
    """Have the audit log told that a member was refused; of whoever is none it holds nothing."""
    if known is not None:
        _note(session, known[1], "sign_in_refused", {"reason": refusal.code})
    return refusal


def _kept_admin(session: Session, settings: ProviderSettings, person: Person, role: Role) -> Role:
    """Let the last admin stay one, and say that the provider would have them be something else."""
    log.warning("last_admin_kept", provider=settings.slug, role=role.value)
    _note(session, person, "keep_last_admin", {"role": role.value})
    return Role.ADMIN


def _note(session: Session, person: Person, action: str, detail: Mapping[str, str]) -> None:
    audit.record(
        session,
        None,
        action,
        "person",
        person.id,
        detail,
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
