"""What is asked of devices' tokens, and of the codes by which devices join."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device, JoiningCode, OtherToken, Person


def device_by_other_token(session: Session, token_hash: bytes) -> tuple[OtherToken, Device] | None:
    """Return what a token is besides the one a device goes by, if the device is not revoked."""
    row = session.execute(
        select(OtherToken, Device)
        .join(Device, Device.id == OtherToken.device_id)
        .where(OtherToken.token_hash == token_hash, Device.revoked_at.is_(None))
        .execution_options(populate_existing=True)
    ).one_or_none()
    return (row[0], row[1]) if row else None


def lock_device(session: Session, device_id: UUID) -> Device:
    """Return a device as it is once nobody else is at its tokens, and keep them away for now."""
    return session.scalars(
        select(Device)
        .where(Device.id == device_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def note_use(session: Session, *, device_id: UUID, at: datetime) -> None:
    """Say that a device is in use, unless somebody else holds it."""
    free = select(Device.id).where(Device.id == device_id).with_for_update(skip_locked=True)
    session.execute(
        update(Device)
        .where(Device.id.in_(free))
        .values(last_used_at=at)
        .execution_options(synchronize_session=False)
    )


def next_token(session: Session, device_id: UUID) -> OtherToken | None:
    """Return a device's next token, which was given out and not used yet."""
    return session.scalars(
        select(OtherToken).where(OtherToken.device_id == device_id, OtherToken.ended_at.is_(None))
    ).one_or_none()


def forget_next_token(session: Session, device_id: UUID) -> None:
    """Make a device's next token worthless."""
    session.execute(
        delete(OtherToken).where(OtherToken.device_id == device_id, OtherToken.ended_at.is_(None))
    )


def forget_oldest_tokens(session: Session, device_id: UUID, *, keep: int) -> None:
    """Keep so many of a device's tokens of before, those that ended last."""
    older = (
        select(OtherToken.token_hash)
        .where(OtherToken.device_id == device_id, OtherToken.ended_at.is_not(None))
        .order_by(OtherToken.ended_at.desc())
        .offset(keep)
    )
    session.execute(delete(OtherToken).where(OtherToken.token_hash.in_(older)))


def keep_joining_code(
    session: Session, device: Device, *, mark: bytes, expires_at: datetime, at: datetime
) -> None:
    """Keep a person's new code in place of the one they had, and forget all that have expired."""
    session.execute(delete(JoiningCode).where(JoiningCode.expires_at <= at))
    values = {"device_id": device.id, "mark": mark, "expires_at": expires_at}
    session.execute(
        insert(JoiningCode)
        .values(person_id=device.person_id, **values)
        .on_conflict_do_update(index_elements=[JoiningCode.person_id], set_=values)
    )


def use_joining_code(session: Session, mark: bytes, *, at: datetime) -> UUID | None:
    """Use a code up and return whose it was; None if it is unknown, expired, or used by others.

    A code whose device has been revoked is worthless.
    """
    return session.scalars(
        delete(JoiningCode)
        .where(
            JoiningCode.mark == mark,
            JoiningCode.expires_at > at,
            JoiningCode.device_id == Device.id,
            Device.revoked_at.is_(None),
        )
        .returning(JoiningCode.person_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()


def lock_person(session: Session, person_id: UUID) -> Person:
    """Return a person, held so that their devices can be counted."""
    return session.scalars(
        select(Person).where(Person.id == person_id).with_for_update(key_share=True)
    ).one()


def count_devices(session: Session, person_id: UUID) -> int:
    """Return how many devices a person has that are not revoked."""
    return session.scalars(
        select(func.count())
        .select_from(Device)
        .where(Device.person_id == person_id, Device.revoked_at.is_(None))
    ).one()


def devices_of(session: Session, person_id: UUID) -> Sequence[Device]:
    """Return a person's devices that are not revoked, the oldest first."""
    return session.scalars(
        select(Device)
        .where(Device.person_id == person_id, Device.revoked_at.is_(None))
        .order_by(Device.created_at, Device.id)
    ).all()


def device_of(session: Session, device_id: UUID, *, person_id: UUID) -> Device | None:
    """Return a device if it is the person's, revoked or not."""
    return session.scalars(
        select(Device).where(Device.id == device_id, Device.person_id == person_id)
    ).one_or_none()
