"""What is asked of subscriptions, notifications and deliveries."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, case, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device
from geoservices.campaigns.models import Campaign, Decision
from geoservices.database import newest_first
from geoservices.listings.models import Listing
from geoservices.notifications.models import (
    Attempt,
    Delivery,
    DeliveryState,
    Notification,
    Receipt,
    ReceiptKind,
    Subscription,
)

UNFINISHED = (DeliveryState.QUEUED, DeliveryState.SENDING)


class Taken(NamedTuple):
    """A delivery to be sent, and what decides whether it still may be."""

    delivery: Delivery
    notification: Notification
    subscription: Subscription
    listing_withdrawn_at: datetime | None
    campaign_ended_at: datetime | None


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


def hand_out(session: Session, *, at: datetime, lease: timedelta, limit: int) -> list[UUID]:
    """Take up to `limit` due deliveries, earliest first, and make them due after the lease."""
    due = (
        select(Delivery.id)
        .where(Delivery.due_at <= at, Delivery.state.in_(UNFINISHED))
        .order_by(Delivery.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(
        session.scalars(
            update(Delivery)
            .where(Delivery.id.in_(due))
            .values(due_at=at + lease)
            .returning(Delivery.id)
        )
    )


def put_back(session: Session, ids: Sequence[UUID], *, at: datetime) -> None:
    """Make deliveries due at once: they could not be handed to anyone."""
    free = (
        select(Delivery.id)
        .where(Delivery.id.in_(ids), Delivery.state.in_(UNFINISHED))
        .with_for_update(skip_locked=True)
    )
    session.execute(update(Delivery).where(Delivery.id.in_(free)).values(due_at=at))


def take(session: Session, ids: Iterable[UUID], *, at: datetime) -> Sequence[Taken]:
    """Lock those of the deliveries that are unfinished and that nobody else holds a lease on."""
    rows = session.execute(
        select(Delivery, Notification, Subscription, Listing.withdrawn_at, Campaign.ended_at)
        .join(Notification, Notification.id == Delivery.notification_id)
        .join(Listing, Listing.id == Notification.listing_id)
        .join(Decision, Decision.id == Notification.decision_id)
        .join(Campaign, Campaign.id == Decision.campaign_id)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .where(
            Delivery.id.in_(set(ids)),
            Delivery.state.in_(UNFINISHED),
            Delivery.leased_until.is_(None) | (Delivery.leased_until <= at),
        )
        .order_by(Delivery.id)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    return [Taken(*row) for row in rows]


def finish_unsent(
    session: Session, person_id: UUID, purpose: str, *, state: DeliveryState, reason: str
) -> None:
    """End the unfinished deliveries of what campaigns for a purpose told a person."""
    # Locked in the order in which `lock_deliveries` does it, or the two wait for each other.
    ids = session.scalars(
        select(Delivery.id)
        .join(Notification, Notification.id == Delivery.notification_id)
        .join(Decision, Decision.id == Notification.decision_id)
        .join(Campaign, Campaign.id == Decision.campaign_id)
        .where(
            Notification.person_id == person_id,
            Campaign.purpose == purpose,
            Delivery.state.in_(UNFINISHED),
        )
        .order_by(Delivery.id)
        .with_for_update(of=Delivery)
    ).all()
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(ids))
        .values(state=state, reason=reason, leased_until=None)
    )


def lock_deliveries(session: Session, ids: Iterable[UUID]) -> dict[UUID, Delivery]:
    """Return deliveries, locked."""
    found = session.scalars(
        select(Delivery)
        .where(Delivery.id.in_(set(ids)))
        .order_by(Delivery.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {delivery.id: delivery for delivery in found}


def finish_attempts(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write down how attempts ended.

    Each row has the `of_delivery` and `of_number` the attempt is known by, and the columns
    `finished_at`, `outcome`, `status` and `reason`.
    """
    if not rows:
        return
    session.connection().execute(
        update(Attempt).where(
            Attempt.delivery_id == bindparam("of_delivery"),
            Attempt.number == bindparam("of_number"),
        ),
        rows,
    )


def notifications_of(
    session: Session, person_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Notification]:
    """Return a person's notifications, newest first."""
    statement = select(Notification).where(Notification.person_id == person_id)
    return _page(session, statement, after, limit)


def notifications_of_organisation(
    session: Session, organisation_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Notification]:
    """Return what an organisation sent, newest first."""
    statement = select(Notification).where(Notification.organisation_id == organisation_id)
    return _page(session, statement, after, limit)


def notification_by_id(session: Session, notification_id: UUID) -> Notification | None:
    """Return a notification."""
    return session.get(Notification, notification_id)


def deliveries_of(
    session: Session, notification_ids: Iterable[UUID]
) -> dict[UUID, list[tuple[Delivery, list[Attempt], list[Receipt]]]]:
    """Return each notification's deliveries with their attempts and receipts, oldest first."""
    deliveries = session.scalars(
        select(Delivery)
        .where(Delivery.notification_id.in_(set(notification_ids)))
        .order_by(Delivery.created_at, Delivery.id)
    ).all()
    ids = [delivery.id for delivery in deliveries]
    attempts = session.scalars(
        select(Attempt).where(Attempt.delivery_id.in_(ids)).order_by(Attempt.number)
    ).all()
    receipts = session.scalars(
        select(Receipt).where(Receipt.delivery_id.in_(ids)).order_by(Receipt.occurred_at)
    ).all()
    found: dict[UUID, list[tuple[Delivery, list[Attempt], list[Receipt]]]] = {}
    for delivery in deliveries:
        entry = (
            delivery,
            [attempt for attempt in attempts if attempt.delivery_id == delivery.id],
            [receipt for receipt in receipts if receipt.delivery_id == delivery.id],
        )
        found.setdefault(delivery.notification_id, []).append(entry)
    return found


def delivery_of_device(session: Session, delivery_id: UUID, device_id: UUID) -> Delivery | None:
    """Return a delivery if it went to the device's subscription."""
    return session.scalars(
        select(Delivery)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .where(Delivery.id == delivery_id, Subscription.device_id == device_id)
    ).one_or_none()


def insert_receipt(session: Session, row: dict[str, Any]) -> None:
    """Store a receipt unless one of its kind is known for the delivery."""
    session.execute(insert(Receipt).values(row).on_conflict_do_nothing())


def mark_received(session: Session, delivery_id: UUID, kind: ReceiptKind) -> None:
    """Move a delivery to what its receipt says, never back from clicked or dismissed to shown."""
    after_shown = (DeliveryState.CLICKED, DeliveryState.DISMISSED)
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id)
        .values(
            state=case(
                (Delivery.state.in_(after_shown), Delivery.state), else_=DeliveryState(kind.value)
            ),
            leased_until=None,
        )
    )


def _page(
    session: Session,
    statement: Select[Notification],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Notification]:
    newest = newest_first(
        statement, Notification.created_at, Notification.id, after=after, limit=limit
    )
    return session.scalars(newest).all()
