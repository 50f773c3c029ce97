"""What is asked of subscriptions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device
from geoservices.subscriptions.models import Subscription


def upsert_subscription(session: Session, row: dict[str, Any]) -> Subscription:
    """Store a subscription; a known endpoint takes the new device and keys and lives again."""
    statement = insert(Subscription).values(row)
    stored = session.scalars(
        statement.on_conflict_do_update(
            index_elements=[Subscription.endpoint_hash],
            set_={
                "device_id": statement.excluded.device_id,
                "p256dh": statement.excluded.p256dh,
                "auth": statement.excluded.auth,
                "vapid_key": statement.excluded.vapid_key,
                "updated_at": statement.excluded.updated_at,
                "ended_at": None,
            },
        ).returning(Subscription),
        execution_options={"populate_existing": True},
    )
    return stored.one()


def end_oldest_subscriptions(
    session: Session, beside: Subscription, *, keep: int, at: datetime
) -> None:
    """End the living subscriptions of a device but one and the `keep` newest beside it."""
    surplus = (
        select(Subscription.id)
        .where(
            Subscription.device_id == beside.device_id,
            Subscription.id != beside.id,
            Subscription.ended_at.is_(None),
        )
        .order_by(Subscription.updated_at.desc(), Subscription.id)
        .offset(keep)
    )
    session.execute(
        update(Subscription).where(Subscription.id.in_(surplus)).values(ended_at=at),
        execution_options={"synchronize_session": False},
    )


def subscriptions_of_device(session: Session, device_id: UUID) -> Sequence[Subscription]:
    """Return a device's subscriptions that have not ended."""
    return session.scalars(
        select(Subscription)
        .where(Subscription.device_id == device_id, Subscription.ended_at.is_(None))
        .order_by(Subscription.created_at, Subscription.id)
    ).all()


def subscriptions_of_people(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Return the ids of each person's living subscriptions on devices that are not revoked."""
    rows = session.execute(
        select(Device.person_id, Subscription.id)
        .join(Device, Device.id == Subscription.device_id)
        .where(
            Device.person_id.in_(set(person_ids)),
            Device.revoked_at.is_(None),
            Subscription.ended_at.is_(None),
        )
        .order_by(Subscription.created_at)
    )
    found: dict[UUID, list[UUID]] = {}
    for person_id, subscription_id in rows:
        found.setdefault(person_id, []).append(subscription_id)
    return found


def owners_of(session: Session, subscription_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the person behind each subscription; those on revoked devices are left out."""
    rows = session.execute(
        select(Subscription.id, Device.person_id)
        .join(Device, Device.id == Subscription.device_id)
        .where(Subscription.id.in_(set(subscription_ids)), Device.revoked_at.is_(None))
    )
    return dict(rows.all())


def subscription_by_id(session: Session, subscription_id: UUID) -> Subscription | None:
    """Return a subscription."""
    return session.get(Subscription, subscription_id)


def end_subscriptions(
    session: Session, gone: Iterable[tuple[UUID, bytes, bytes]], *, at: datetime
) -> None:
    """End subscriptions, each with the keys `p256dh` and `auth` that were used.

    One that has other keys by now was renewed meanwhile and lives on. They are locked in the
    order of their ids, so that two jobs with the same ones do not wait for each other.
    """
    keys = tuple_(Subscription.id, Subscription.p256dh, Subscription.auth)
    ids = session.scalars(
        select(Subscription.id)
        .where(keys.in_(list(gone)))
        .order_by(Subscription.id)
        .with_for_update(key_share=True)
    ).all()
    session.execute(update(Subscription).where(Subscription.id.in_(ids)).values(ended_at=at))
