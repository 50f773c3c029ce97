"""Whoever may ask something of the service: citizens, members of three organisations, machines.

Devon's are the things that are asked for. Exeter is its partner, with which it shares the place.
Dorset has nothing to do with it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from geoservices.access.rights import NOT_FOR_KEYS, Right, Role
from geoservices.accounts.models import Organisation, Person, SignIn
from geoservices.accounts.tokens import hash_token
from tests.api.world import World
from tests.factories import (
    NOON,
    make_access_token,
    make_api_key,
    make_device,
    make_manager,
    make_organisation,
    make_person,
)

ROLES = ("staff", "team-lead", "manager", "admin", "kiosk", "auditor")
DEVICES = ("owner", "other device", "member's device")
LIMITED = ("manager within", "manager without")
"""Managers limited to places, one of them to others than the one that is asked for."""
OURS = (*ROLES, *LIMITED)
THEIRS = tuple(f"Dorset's {role}" for role in ROLES)
PARTNERS = ("Exeter's manager", "Exeter's admin")
MACHINES = ("key", "key without it", "Dorset's key")
"""The one without it has every scope but the one that is needed."""
PEOPLE = (*DEVICES, *OURS, *THEIRS, *PARTNERS)
OUTSIDERS = frozenset({*THEIRS, *PARTNERS, "Dorset's key", "other device"})
NOBODY = "nobody"
FOR_KEYS = frozenset(Right) - NOT_FOR_KEYS


def tokens_of(session: Session, world: World, needed: Right | None) -> dict[str, str | None]:
    """The valid tokens by who holds them; nobody's is None.

    Args:
        session: Where they are made.
        world: What they will ask for.
        needed: The right that will be asked for.
    """
    devon, dorset = world.organisation, make_organisation(session, "dorset")
    lacking = FOR_KEYS - {needed}
    made: dict[str, str | None] = {
        NOBODY: None,
        "owner": world.token,
        "other device": make_device(session, make_person(session))[1],
        "member's device": make_device(session, make_person(session, organisation=devon))[1],
        "manager within": make_manager(session, devon, reach={"tags": ["central"], "area": None}),
        "manager without": make_manager(session, devon, reach={"tags": ["coast"], "area": None}),
        "key": make_api_key(session, devon, FOR_KEYS)[1],
        "key without it": make_api_key(session, devon, lacking)[1],
        "Dorset's key": make_api_key(session, dorset, FOR_KEYS)[1],
        **members(session, devon, "{}"),
        **members(session, dorset, "Dorset's {}"),
    }
    for role in ("manager", "admin"):
        made[f"Exeter's {role}"] = make_access_token(session, world.partner, Role(role))
    return made


def members(session: Session, organisation: Organisation, called: str) -> Mapping[str, str]:
    """A token of a member of each role."""
    return {
        called.format(role): make_access_token(session, organisation, Role(role)) for role in ROLES
    }


def worthless_tokens(session: Session, world: World) -> dict[str, str]:
    """Tokens that let nobody in, by what is wrong with them."""
    devon = world.organisation
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    revoked, revoked_device = make_device(session, world.person)
    revoked.revoked_at = NOON
    expired = make_access_token(session, devon)
    session.execute(_sign_in(expired).values(expires_at=long_ago))
    ended = make_access_token(session, devon)
    session.execute(_sign_in(ended).values(revoked_at=NOON))
    expired_key, secret_of_expired = make_api_key(session, devon, FOR_KEYS)
    expired_key.created_at = datetime(2025, 1, 1, tzinfo=UTC)
    expired_key.expires_at = long_ago
    revoked_key, secret_of_revoked = make_api_key(session, devon, FOR_KEYS)
    revoked_key.revoked_at = NOON
    disabled = make_person(session, organisation=devon)
    disabled.disabled_at = NOON
    disabled_sign_in = make_access_token(session, devon)
    session.execute(_sign_in(disabled_sign_in).values(person_id=disabled.id))
    return {
        "a revoked device's": revoked_device,
        "an expired sign-in's": expired,
        "an ended sign-in's": ended,
        "an expired key": secret_of_expired,
        "a revoked key": secret_of_revoked,
        "a disabled member's": disabled_sign_in,
        "a disabled member's device's": make_device(session, disabled)[1],
        **{f"made up: {text}": text for text in ("gsd_x", "gsa_x", "gsk_x", "x", "gsd_", "gsk_")},
    }


def person_of(session: Session, token: str) -> Person:
    """Whose sign-in it is."""
    found = session.query(Person).join(SignIn, SignIn.person_id == Person.id)
    return found.filter(SignIn.token_hash == hash_token(token)).one()


def _sign_in(token: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    return update(SignIn).where(SignIn.token_hash == hash_token(token))
