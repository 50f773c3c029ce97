"""Devices' tokens exchanged for new ones, and those noticed that should not be used any more.

An answer may get lost, so a device goes on with the token it has until it uses the next one. Then
the one of before ends, after a short overlap for requests that were on their way. Whoever uses it
after that is not the one who has the next: one of the two has stolen it, and nobody can tell which,
so the device ends (RFC 9700 section 4.14.2, on the rotation of refresh tokens).
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts import device_queries, queries
from geoservices.accounts.models import Device, OtherToken, Person
from geoservices.accounts.tokens import hash_token, make_token
from geoservices.database import at_the_end
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.settings.entering import DeviceSettings

USE_NOTED_EVERY: Final = timedelta(days=1)
"""How exactly it is known when a device was last used."""
MOST_REMEMBERED: Final = 20
"""So many of a device's tokens of before are remembered; an older one is as good as unknown."""


class TokenReplayed(GeoservicesError):
    """The token was exchanged for another one, and both have been used; the device was revoked."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "token-replayed"
    title = "The token was exchanged before, so the device has been revoked"

    def __init__(self, device: Device) -> None:
        self.device_id = device.id
        super().__init__(
            "Two have used the device's tokens, and one of them should not have. Make a new device."
        )


def make_device(
    session: Session, person_id: UUID, *, label: str | None, places_only: bool, at: datetime
) -> tuple[Device, str]:
    """Make a device of a person's; return it with its token, which cannot be shown again."""
    token = make_token("device")
    device = Device(
        id=uuid4(),
        person_id=person_id,
        token_hash=hash_token(token),
        label=label,
        places_only=places_only,
        created_at=at,
    )
    session.add(device)
    session.flush()
    return device, token


def authenticate_device(
    session: Session, token: str, *, overlap: timedelta, at: datetime
) -> tuple[Device, Person] | None:
    """Return the device that carries this token and its person, if it is still welcome.

    The first use of a device's next token ends the one before. That a device is used is written
    down once a day, at the end of the transaction.

    Args:
        session: Its transaction also keeps the exchange.
        token: What was shown.
        overlap: How long the token of before still counts.
        at: Now.

    Raises:
        TokenReplayed: It is a token of before; the device is yet to be revoked.
    """
    found = _carrier_of(session, token, overlap=overlap, at=at)
    if found and at - (found[0].last_used_at or found[0].created_at) >= USE_NOTED_EVERY:
        note = partial(device_queries.note_use, device_id=found[0].id, at=at)
        # Whoever holds a device has held its person before, so this holds it last.
        at_the_end(session, note)
    return found


def _carrier_of(
    session: Session, token: str, *, overlap: timedelta, at: datetime
) -> tuple[Device, Person] | None:
    token_hash = hash_token(token)
    found = queries.device_by_token(session, token_hash)
    if found:
        return found
    other = device_queries.device_by_other_token(session, token_hash)
    if other is None:
        # Another request may have begun with it between the two questions.
        return queries.device_by_token(session, token_hash)
    told, device = other
    if told.ended_at is None:
        _begin(session, device, token_hash, at=at)
        return queries.device_by_token(session, token_hash)
    if at >= told.ended_at + overlap:
        raise TokenReplayed(device)
    return queries.device_by_token(session, device.token_hash)


def revoke_replayed(session: Session, device_id: UUID, *, at: datetime) -> None:
    """End a device of whose tokens two made use."""
    device = device_queries.lock_device(session, device_id)
    device.revoked_at = device.revoked_at or at


def make_next_token(session: Session, device: Device, *, at: datetime) -> str:
    """Give out a device's next token, in place of one that was given out before and not used.

    Returns:
        The token. It is not kept and cannot be shown again; the one of now counts until then.
    """
    device_queries.lock_device(session, device.id)
    device_queries.forget_next_token(session, device.id)
    token = make_token("device")
    session.add(OtherToken(token_hash=hash_token(token), device_id=device.id, made_at=at))
    session.flush()
    return token


def make_next_token_if_due(
    session: Session, device: Device, *, settings: DeviceSettings, at: datetime
) -> str | None:
    """Give out a device's next token if the one of now has served its time.

    One that was just given out is not replaced: a browser asks for several things at once, and the
    answer that comes last must not be the one whose token is worthless.
    """
    if not _is_due(device, settings, at):
        return None
    device_queries.lock_device(session, device.id)
    waiting = device_queries.next_token(session, device.id)
    was_just_given = waiting is not None and waiting.made_at + settings.token_overlap > at
    # Another request may have exchanged it while this one waited for the device.
    if was_just_given or not _is_due(device, settings, at):
        return None
    return make_next_token(session, device, at=at)


def _is_due(device: Device, settings: DeviceSettings, at: datetime) -> bool:
    return (device.token_made_at or device.created_at) + settings.token_age <= at


def _begin(session: Session, device: Device, token_hash: bytes, *, at: datetime) -> None:
    """Have a device go by its next token, which is used for the first time."""
    device_queries.lock_device(session, device.id)
    other = device_queries.device_by_other_token(session, token_hash)
    if other is None or other[0].ended_at is not None:
        # Another request used it in the meantime, or asked for yet another one.
        return
    following, device = other
    before = OtherToken(
        token_hash=device.token_hash,
        device_id=device.id,
        made_at=device.token_made_at or device.created_at,
        ended_at=at,
    )
    device.token_hash, device.token_made_at = token_hash, following.made_at
    session.delete(following)
    session.flush()
    session.add(before)
    session.flush()
    device_queries.forget_oldest_tokens(session, device.id, keep=MOST_REMEMBERED)
