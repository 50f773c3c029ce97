"""What is asked of deliveries."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.campaigns.models import Campaign, Decision
from geoservices.deliveries.models import Attempt, Delivery, DeliveryState, Receipt, ReceiptKind
from geoservices.listings.models import Listing
from geoservices.notifications.models import Notification
from geoservices.subscriptions.models import Subscription

UNFINISHED = (DeliveryState.QUEUED, DeliveryState.SENDING)


class Taken(NamedTuple):
    """A delivery to be sent, and what decides whether it still may be."""

    delivery: Delivery
    notification: Notification
    subscription: Subscription
    listing_withdrawn_at: datetime | None
    campaign_ended_at: datetime | None


class Sent(NamedTuple):
    """A delivery of which a service worker may speak."""

    id: UUID
    state: DeliveryState
    notification_id: UUID
    subscription_id: UUID
    first_tried_at: datetime


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


def lock_sent(session: Session, ids: Iterable[UUID], *, made_after: datetime) -> dict[UUID, Sent]:
    """Return deliveries of after an instant, locked in the order of their ids."""
    first = and_(Attempt.delivery_id == Delivery.id, Attempt.number == 1)
    rows = session.execute(
        select(
            Delivery.id,
            Delivery.state,
            Delivery.notification_id,
            Delivery.subscription_id,
            func.coalesce(Attempt.started_at, Delivery.created_at),
        )
        .outerjoin(Attempt, first)
        .where(Delivery.id.in_(set(ids)), Delivery.created_at > made_after)
        .order_by(Delivery.id)
        .with_for_update(of=Delivery, key_share=True)
    )
    return {
        id_: Sent(id_, DeliveryState(state), notification_id, subscription_id, first_tried_at)
        for id_, state, notification_id, subscription_id, first_tried_at in rows
    }


def insert_receipts(
    session: Session, rows: Sequence[dict[str, Any]]
) -> list[tuple[UUID, ReceiptKind]]:
    """Store receipts, unless one of its kind is known for the delivery; return which are new."""
    stored = session.execute(
        insert(Receipt)
        .values(list(rows))
        .on_conflict_do_nothing()
        .returning(Receipt.delivery_id, Receipt.kind)
    )
    return [(delivery_id, ReceiptKind(kind)) for delivery_id, kind in stored]


def mark_received(
    session: Session, ids: Iterable[UUID], state: DeliveryState, *, at: datetime
) -> None:
    """Move deliveries to what their receipts say; whatever was shown had been accepted."""
    unheard = Delivery.accepted_at.is_(None)
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(list(ids)))
        .values(
            state=state,
            leased_until=None,
            accepted_at=func.coalesce(Delivery.accepted_at, at),
            reason=case((unheard, "the browser told of it first"), else_=Delivery.reason),
        ),
        execution_options={"synchronize_session": False},
    )
