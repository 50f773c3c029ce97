"""What is asked of deliveries."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session, aliased

from geoservices.campaigns.models import Campaign, Decision
from geoservices.deliveries.models import Attempt, Delivery, DeliveryState, Receipt, ReceiptKind
from geoservices.listings.models import Listing
from geoservices.notifications.models import Notification
from geoservices.subscriptions.models import Subscription

UNFINISHED = (DeliveryState.QUEUED, DeliveryState.SENDING)
TAKEN_IN = (
    DeliveryState.ACCEPTED,
    DeliveryState.SHOWN,
    DeliveryState.CLICKED,
    DeliveryState.DISMISSED,
)
"""What a delivery is that its push service has, or had."""


class Taken(NamedTuple):
    """A delivery to be sent, and what decides whether it still may be."""

    delivery: Delivery
    notification: Notification
    subscription: Subscription
    listing_withdrawn_at: datetime | None
    campaign_ended_at: datetime | None


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
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        # A test has neither a listing nor a campaign.
        .outerjoin(Listing, Listing.id == Notification.listing_id)
        .outerjoin(Decision, Decision.id == Notification.decision_id)
        .outerjoin(Campaign, Campaign.id == Decision.campaign_id)
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


def hand_over(session: Session, subscription_id: UUID, *, at: datetime) -> bool:
    """Let a subscription take over what its predecessors were still to be sent.

    That is what is unfinished, and what found a predecessor gone and is not too late yet. What is
    being sent to a predecessor waits for the end of that lease: if the push service takes it there
    after all, it is not sent again. Nothing is taken over of which the subscription has a delivery
    of its own, and it need not be sent what a predecessor was.

    Returns:
        Whether anything was taken over.
    """
    before = session.scalars(
        select(Subscription.id).where(Subscription.replaced_by == subscription_id)
    ).all()
    if not before:
        return False
    held = session.scalars(
        select(Delivery.id)
        .where(
            Delivery.subscription_id.in_([*before, subscription_id]),
            Delivery.state.in_((*UNFINISHED, DeliveryState.GONE)),
            Delivery.expires_at > at,
        )
        .order_by(Delivery.id)
        .with_for_update(key_share=True)
    ).all()
    other = aliased(Delivery)
    same = select(other.id).where(other.notification_id == Delivery.notification_id)
    session.execute(
        update(Delivery)
        .where(
            Delivery.id.in_(held),
            Delivery.subscription_id == subscription_id,
            Delivery.state == DeliveryState.QUEUED,
            same.where(other.subscription_id.in_(before), other.state.in_(TAKEN_IN)).exists(),
        )
        .values(state=DeliveryState.GONE, reason="the browser has it by its earlier subscription"),
        execution_options={"synchronize_session": False},
    )
    movable = (
        select(Delivery.id)
        .ext(distinct_on(Delivery.notification_id))
        .where(
            Delivery.id.in_(held),
            Delivery.subscription_id.in_(before),
            ~same.where(other.subscription_id == subscription_id).exists(),
        )
        .order_by(Delivery.notification_id, Delivery.id)
    )
    moved = session.scalars(
        update(Delivery)
        .where(Delivery.id.in_(movable))
        .values(
            subscription_id=subscription_id,
            state=DeliveryState.QUEUED,
            due_at=func.greatest(at, Delivery.leased_until),
        )
        .returning(Delivery.id),
        execution_options={"synchronize_session": False},
    ).all()
    return bool(moved)


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
