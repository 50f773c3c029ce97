"""What is asked of deliveries."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, func, literal, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session, aliased

from geoservices.accounts.models import Device
from geoservices.arrays import Instants, Integers, Texts, Uuids
from geoservices.campaigns.models import Campaign, Decision
from geoservices.channels.queries import pushed
from geoservices.deliveries.claiming import Claimable
from geoservices.deliveries.models import Attempt, Delivery, Receipt
from geoservices.deliveries.settling import Standing
from geoservices.deliveries.states import TAKEN_IN, UNFINISHED, DeliveryState, ReceiptKind
from geoservices.notifications.models import Notification
from geoservices.subscriptions.models import Subscription
from geoservices.trips import ask, insert_rows, send, update_rows

TAKE = b"""
    SELECT d.id, d.subscription_id, d.attempt_count, d.expires_at, d.state, d.reason, d.due_at,
        d.leased_until, d.accepted_at, n.id, n.kind, n.person_id, n.campaign_class, n.title, n.body,
        s.endpoint, s.p256dh, s.auth, s.vapid_key, s.last_accepted_at, s.ended_at, v.person_id,
        v.revoked_at,
        CASE WHEN n.kind = 'campaign' OR n.created_at < l.withdrawn_at AND EXISTS (
            SELECT FROM notifications later
            WHERE later.listing_id = n.listing_id AND later.person_id = n.person_id
                AND later.kind = 'listing' AND later.created_at >= l.withdrawn_at
        ) THEN l.withdrawn_at END,
        c.ended_at,
        e.trigger <> 'checked-in' AND p.sensitive_kind IS NOT NULL
            AND coalesce(p.sensitive_from <= ($2)[1], true)
            AND coalesce(p.sensitive_until > ($2)[1], true),
        r.state = 'stopped', d.broadcast, CASE l.kind WHEN 'task' THEN l.id END
    FROM deliveries d
    JOIN notifications n ON n.id = d.notification_id
    JOIN subscriptions s ON s.id = d.subscription_id
    JOIN devices v ON v.id = s.device_id
    LEFT JOIN listings l ON l.id = n.listing_id
    LEFT JOIN decisions e ON e.id = n.decision_id
    LEFT JOIN campaigns c ON c.id = e.campaign_id
    LEFT JOIN places p ON p.id = e.place_id
    LEFT JOIN campaign_runs r ON r.id = e.run_id
    WHERE d.id = ANY($1) AND d.state IN ('queued', 'sending')
        AND (d.leased_until IS NULL OR d.leased_until <= ($2)[1])
    ORDER BY d.id
    FOR NO KEY UPDATE OF d SKIP LOCKED
"""
BEGIN = b"""
    UPDATE deliveries SET state = 'sending', leased_until = ($2)[1], due_at = ($2)[1],
        attempt_count = attempt_count + 1
    WHERE id = ANY($1)
"""
LOCK = b"""
    SELECT id, subscription_id, attempt_count, expires_at, state, reason, due_at, leased_until,
        accepted_at
    FROM deliveries WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
"""
FINISH_ATTEMPTS = b"""
    UPDATE attempts SET finished_at = ($3)[1], outcome = new.outcome, status = new.status,
        reason = new.reason, detail = new.detail, location = new.location
    FROM unnest($1, $2, $4, $5, $6, $7, $8)
        AS new (delivery_id, number, outcome, status, reason, detail, location)
    WHERE attempts.delivery_id = new.delivery_id AND attempts.number = new.number
"""


HAD_EARLIER = "the browser has it by its earlier subscription"


class Sent(NamedTuple):
    """A delivery of which a service worker may speak."""

    id: UUID
    state: DeliveryState
    notification_id: UUID
    subscription_id: UUID
    first_tried_at: datetime


class NewAttempt(NamedTuple):
    """An attempt that is about to be made."""

    delivery_id: UUID
    number: int
    started_at: datetime


class EndedAttempt(NamedTuple):
    """How an attempt ended; it is known by its delivery and number."""

    delivery_id: UUID
    number: int
    outcome: str
    status: int | None
    reason: str
    detail: str | None
    location: str | None


def take(session: Session, ids: Collection[UUID], *, at: datetime) -> Callable[[], list[Claimable]]:
    """Lock those of the deliveries that are unfinished and that nobody else holds a lease on."""
    return ask(session, TAKE, Uuids.listed(set(ids)), Instants.listed([at]), make=Claimable.of_row)


def queue(
    session: Session, notification_ids: Collection[UUID], *, broadcast: bool, at: datetime
) -> None:
    """Make a delivery of each notification for each living browser of its person, due at once.

    Who wants no push for the campaign's purpose gets none.
    """
    of_whom = (
        select(
            func.gen_random_uuid(),
            Notification.id,
            Subscription.id,
            literal(broadcast),
            literal(DeliveryState.QUEUED.value),
            literal(0),
            literal(at),
            literal(at),
            Notification.expires_at,
        )
        .join(Device, Device.person_id == Notification.person_id)
        .join(Subscription, Subscription.device_id == Device.id)
        .where(Device.revoked_at.is_(None), Subscription.ended_at.is_(None))
    )
    columns = (
        Delivery.id,
        Delivery.notification_id,
        Delivery.subscription_id,
        Delivery.broadcast,
        Delivery.state,
        Delivery.attempt_count,
        Delivery.created_at,
        Delivery.due_at,
        Delivery.expires_at,
    )
    session.execute(insert(Delivery).from_select(columns, pushed(of_whom, notification_ids)))


def begin(session: Session, attempts: Sequence[NewAttempt], *, leased_until: datetime) -> None:
    """Take the lease of deliveries and write the attempts down that are about to be made."""
    if attempts:
        ids = Uuids.listed([attempt.delivery_id for attempt in attempts])
        send(session, BEGIN, ids, Instants.listed([leased_until]))
        insert_rows(session, Attempt.__tablename__, attempts)


def lock(session: Session, ids: Collection[UUID]) -> Callable[[], list[Standing]]:
    """Lock deliveries in the order of their ids, and return where each stands."""
    return ask(session, LOCK, Uuids.listed(set(ids)), make=Standing._make)


def store(session: Session, standings: Sequence[Standing]) -> None:
    """Store where deliveries stand now."""
    lasting = ("subscription_id", "attempt_count", "expires_at")
    update_rows(session, Delivery.__tablename__, standings, lasting=lasting)


def finish_attempts(session: Session, ended: Sequence[EndedAttempt], *, at: datetime) -> None:
    """Write down how attempts ended."""
    ids, numbers, outcomes, statuses, reasons, details, locations = zip(*ended, strict=True)
    send(
        session,
        FINISH_ATTEMPTS,
        Uuids.listed(ids),
        Integers.listed(numbers),
        Instants.listed([at]),
        Texts.listed(outcomes),
        Integers.listed(statuses),
        Texts.listed(reasons),
        Texts.listed(details),
        Texts.listed(locations),
    )


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


def queue_again(session: Session, to: Collection[UUID], *, due_at: datetime) -> None:
    """Queue what found subscriptions gone that live again, unless it would be too late."""
    found_gone = (Delivery.state == DeliveryState.GONE, Delivery.reason != HAD_EARLIER)
    session.execute(
        update(Delivery)
        .where(Delivery.subscription_id.in_(to), *found_gone, Delivery.expires_at > due_at)
        .values(state=DeliveryState.QUEUED, due_at=due_at)
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
        .values(state=DeliveryState.GONE, reason=HAD_EARLIER),
        execution_options={"synchronize_session": False},
    )
    movable = (
        select(Delivery.id)
        .ext(distinct_on(Delivery.notification_id))
        .where(
            Delivery.id.in_(held),
            Delivery.subscription_id.in_(before),
            Delivery.reason.is_distinct_from(HAD_EARLIER),
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


def subscriptions_of(
    session: Session, ids: Iterable[UUID], *, made_after: datetime
) -> Sequence[UUID]:
    """Return the subscriptions to which deliveries of after an instant went."""
    return session.scalars(
        select(Delivery.subscription_id).where(
            Delivery.id.in_(set(ids)), Delivery.created_at > made_after
        )
    ).all()


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
