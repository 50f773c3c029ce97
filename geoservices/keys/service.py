"""API keys made, rotated, revoked, and recognised."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Actor, Grant
from geoservices.access.reach import Reach, reach_of
from geoservices.access.rights import NOT_FOR_KEYS, Right
from geoservices.accounts.tokens import hash_token, make_token
from geoservices.errors import ErrorKind, Forbidden, GeoservicesError, NotFound
from geoservices.keys import queries
from geoservices.keys.models import ApiKey

LONGEST_LIFETIME = timedelta(days=731)
"""Two years, one of them a leap year."""
SHOWN = 12
"""So much of a secret is shown again: what makes it known as one, and 8 of its 43 characters."""
NOTED_EVERY = timedelta(minutes=5)
"""The use of a key is written down no more often."""


class KeyLifetimeRefused(GeoservicesError):
    """The key would have expired already, or would hold longer than any may."""

    kind = ErrorKind.INVALID
    code = "key-lifetime-refused"
    title = "The lifetime of the key is not allowed"

    def __init__(self) -> None:
        super().__init__(
            "expires_at must come, and within two years. Make another key before then.",
            field="/expires_at",
        )


class KeyNotInUse(GeoservicesError):
    """The key was revoked or has expired, and gets no new secret."""

    kind = ErrorKind.CONFLICT
    code = "key-not-in-use"
    title = "The key is not in use any more"

    def __init__(self) -> None:
        super().__init__("It was revoked or has expired. Make another one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDraft:
    """What an admin says of a key."""

    name: str
    scopes: frozenset[Right]
    reach: Reach | None
    expires_at: datetime


def make_key(
    session: Session, draft: KeyDraft, *, grant: Grant, at: datetime
) -> tuple[ApiKey, str]:
    """Make a key for a machine.

    Returns:
        The key and its secret. The secret is not kept and cannot be shown again.

    Raises:
        Forbidden: It would have rights that whoever makes it lacks, or that no machine has.
        KeyLifetimeRefused: It expires too early or too late.
    """
    unfit = sorted(draft.scopes & NOT_FOR_KEYS)
    if unfit:
        raise Forbidden(f"No key has the right {unfit[0]}: it takes a person.", field="/scopes")
    grant.actor.check_may_hand_out(draft.scopes, field="/scopes")
    if not at < draft.expires_at <= at + LONGEST_LIFETIME:
        raise KeyLifetimeRefused
    secret = make_token("key")
    key = ApiKey(
        id=uuid4(),
        organisation_id=grant.organisation_id,
        name=draft.name,
        prefix=secret[:SHOWN],
        secret_hash=hash_token(secret),
        scopes=sorted(draft.scopes),
        reach=draft.reach.stored() if draft.reach else None,
        created_by=grant.actor.person_id,
        created_at=at,
        expires_at=draft.expires_at,
    )
    session.add(key)
    session.flush()
    return key, secret


def rotate_key(
    session: Session, key_id: UUID, *, grace: timedelta, grant: Grant, at: datetime
) -> tuple[ApiKey, str]:
    """Give a key another secret; the one before holds for a while yet, any older ends at once.

    Returns:
        The key and its new secret, which is shown this once.

    Raises:
        NotFound: It is not the organisation's.
        Forbidden: It has rights that whoever asks lacks.
        KeyNotInUse: It was revoked or has expired.
    """
    key = _held(session, key_id, grant)
    grant.actor.check_may_hand_out([Right(scope) for scope in key.scopes], field="")
    if key.revoked_at is not None or key.expires_at <= at:
        raise KeyNotInUse
    secret = make_token("key")
    key.previous_hash, key.previous_until = key.secret_hash, at + grace
    key.secret_hash, key.prefix = hash_token(secret), secret[:SHOWN]
    session.flush()
    return key, secret


def revoke_key(session: Session, key_id: UUID, *, grant: Grant, at: datetime) -> None:
    """Make a key worthless at once, both its secrets. Twice is as good as once.

    Raises:
        NotFound: It is not the organisation's.
    """
    key = _held(session, key_id, grant)
    key.revoked_at = key.revoked_at or at


def authenticate_key(session: Session, secret: str, *, at: datetime) -> Actor | None:
    """Return the machine that has this secret, if the key still holds."""
    key = queries.by_secret(session, hash_token(secret), at=at)
    if key is None:
        return None
    if key.last_used_at is None or at - key.last_used_at >= NOTED_EVERY:
        queries.note_use(session, key.id, at=at)
    return Actor(
        rights=frozenset(map(Right, key.scopes)) - NOT_FOR_KEYS,
        reach=reach_of(key.reach),
        organisation_id=key.organisation_id,
        key_id=key.id,
    )


def _held(session: Session, key_id: UUID, grant: Grant) -> ApiKey:
    key = queries.held(session, grant.organisation_id, key_id)
    if key is None:
        raise NotFound("key")
    return key
