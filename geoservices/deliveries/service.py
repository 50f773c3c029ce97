"""Deliveries made, sent browser by browser, and settled."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.bulk_queries import store_all
from geoservices.campaigns.rules import CampaignClass
from geoservices.deliveries import origin_queries, queries
from geoservices.deliveries.bundling import with_words
from geoservices.deliveries.claiming import URGENCY, Claimable, obstacle
from geoservices.deliveries.composing import Message, payload
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.origins import (
    TRIED_FOR,
    Doors,
    OriginState,
    Told,
    after,
    doubted_anew,
    evidence,
    tally,
    worse,
)
from geoservices.deliveries.queries import EndedAttempt, NewAttempt
from geoservices.deliveries.settling import (
    DOUBTED_WAIT,
    LONGEST_WAIT,
    MAX_REASON_LENGTH,
    TOO_LARGE,
    Standing,
    settled,
)
from geoservices.deliveries.states import UNFINISHED, DeliveryState
from geoservices.deliveries.tokens import make_token
from geoservices.notifications.models import NewNotification, Notification
from geoservices.push.endpoints import origin_of
from geoservices.push.gateway import Envelope, Outcome, OutcomeKind
from geoservices.settings.sending import PushSettings
from geoservices.subscriptions import queries as subscriptions
from geoservices.trips import together


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One attempt under way: which delivery, which number, and what goes out.

    `is_proven` says that a push to its subscription has been taken before.
    """

    delivery_id: UUID
    subscription_id: UUID
    number: int
    is_proven: bool
    envelope: Envelope

    @property
    def origin(self) -> tuple[str, str]:
        """The push service it goes to, and our key for it."""
        return origin_of(self.envelope.endpoint), self.envelope.vapid_key


def enqueue(
    session: Session,
    made: Sequence[Notification | NewNotification],
    *,
    broadcast: bool = False,
    at: datetime,
) -> None:
    """Make a delivery of each notification for each browser of its person, due at once.

    Who has no subscription, or wants no push for the campaign's purpose, still has the
    notification; it waits in the API. What is `broadcast` gives way to what is not.
    """
    if made:
        queries.queue(session, [one.id for one in made], broadcast=broadcast, at=at)
        outbox.ring(session)


def enqueue_one(
    session: Session, notification: Notification, subscription_id: UUID, *, at: datetime
) -> None:
    """Put a notification on its way to one browser alone, due at once."""
    delivery = Delivery(
        id=uuid4(),
        notification_id=notification.id,
        subscription_id=subscription_id,
        state=DeliveryState.QUEUED,
        created_at=at,
        due_at=at,
        expires_at=notification.expires_at,
    )
    store_all(session, [delivery])
    outbox.ring(session)


def take_over(session: Session, subscription_id: UUID, *, at: datetime) -> None:
    """Let a subscription take over what those that it replaced were still to be sent."""
    if queries.hand_over(session, subscription_id, at=at):
        outbox.ring(session)


def claim(
    session: Session,
    ids: Sequence[UUID],
    *,
    push: PushSettings,
    public_url: str,
    receipt_key: bytes,
    at: datetime,
    commit: bool = False,
) -> list[Sending]:
    """Take deliveries for sending: each gets a lease and an attempt that is written down first.

    What has expired, was withdrawn or lost its subscription is settled at once, and so is what
    would now reach someone else or a revoked device. What is to go to a push service that is
    closed waits; one that is tried is tried with a subscription it has taken pushes for, if there
    is one. A delivery that another worker holds is passed over. If this worker dies, the
    lease runs out and the delivery is sent again with the same topic, so that the screen shows it
    once. With `commit` the transaction ends here.
    """
    with together(session):
        taken = queries.take(session, ids, at=at)
        closed = origin_queries.closed_origins(session, after=at - TRIED_FOR)
    doors = Doors(closed(), at=at)
    beginning: list[Claimable] = []
    kept: list[Standing] = []
    told = with_words(session, taken(), at=at)
    for one, empty in sorted(told, key=lambda each: each[0].last_accepted_at is None):
        if ends := obstacle(one, max_attempts=push.max_attempts, at=at) or empty:
            kept.append(one.standing.finished(*ends))
        elif closes := doors.ask(origin_of(one.endpoint), one.vapid_key):
            kept.append(one.standing.put_off(*closes))
        else:
            beginning.append(one)
    with together(session, commit=commit):
        attempts = [
            NewAttempt(one.standing.id, one.standing.attempt_count + 1, at) for one in beginning
        ]
        queries.begin(session, attempts, leased_until=at + push.lease)
        queries.store(session, kept)
    return [_sending(one, public_url, receipt_key, at) for one in beginning]


def settle(
    session: Session,
    results: Sequence[tuple[Sending, Outcome]],
    *,
    push: PushSettings,
    at: datetime,
    commit: bool = False,
) -> list[OriginState]:
    """Write down how attempts ended and what becomes of their deliveries.

    An attempt whose lease ran out and was taken over by a later one is recorded, and a success
    counts all the same: the push service has the message. With `commit` the transaction ends here.

    Returns:
        How the push services stand that this changed for the worse: closed, or guarded.
    """
    by_origin: dict[tuple[str, str], list[Told]] = {}
    for sending, outcome in results:
        by_origin.setdefault(sending.origin, []).append(Told(outcome, sending.is_proven))
    with together(session):
        subscriptions.record_results(session, [_result(*result, at) for result in results])
        standings = queries.lock(session, [sending.delivery_id for sending, _ in results])
        known = origin_queries.lock_origins(session, by_origin)
    before = {key: OriginState(*key) for key in by_origin} | {one[:2]: one for one in known()}
    origins = {
        key: after(before[key], tally(evidence(before[key], told)), at=at)
        for key, told in sorted(by_origin.items())
    }
    where = {standing.id: standing for standing in standings()}
    changed: dict[UUID, Standing] = {}
    gone: list[tuple[UUID, bytes, bytes]] = []
    for sending, outcome in results:
        standing = where.get(sending.delivery_id)
        if standing is None or not _counts(standing, sending, outcome):
            continue
        now = settled(
            standing,
            outcome,
            origins[sending.origin],
            wait=wait_before(standing.attempt_count),
            max_attempts=push.max_attempts,
            at=at,
        )
        where[standing.id] = changed[standing.id] = now
        if now.state == DeliveryState.GONE:
            gone.append((sending.subscription_id, sending.envelope.p256dh, sending.envelope.auth))
    if gone:
        subscriptions.end_subscriptions(session, gone, at=at)
    for key, state in origins.items():
        if state.counted_from is not None and doubted_anew(before[key], state):
            since = state.counted_from
            if revived := subscriptions.revive(session, *key, ended_since=since):
                queries.queue_again(session, revived, due_at=at + DOUBTED_WAIT)
    with together(session, commit=commit):
        queries.finish_attempts(session, [_ended(*result) for result in results], at=at)
        queries.store(session, list(changed.values()))
        origin_queries.store_origins(session, list(origins.values()))
    return [state for key, state in origins.items() if worse(before[key], state)]


def wait_before(attempt_count: int) -> timedelta:
    """Return how long to wait after so many attempts.

    The wait doubles from two seconds, with up to half of it taken off at random so that many
    deliveries do not come back at once.
    """
    doubled = min(2.0**attempt_count, LONGEST_WAIT.total_seconds())
    return timedelta(seconds=doubled * random.uniform(0.5, 1.0))  # noqa: S311


def _sending(one: Claimable, public_url: str, receipt_key: bytes, at: datetime) -> Sending:
    standing = one.standing
    message = Message(
        notification_id=one.notification_id,
        title=one.title,
        body=one.body,
        link=f"{public_url}{_path(one)}",
    )
    envelope = Envelope(
        delivery_id=standing.id,
        endpoint=one.endpoint,
        p256dh=one.p256dh,
        auth=one.auth,
        vapid_key=one.vapid_key,
        payload=payload(
            message,
            receipt=make_token(receipt_key, standing.id),
            short=standing.reason == TOO_LARGE,
        ),
        ttl=standing.expires_at - at,
        urgency=URGENCY[CampaignClass(one.campaign_class)],
        topic=message.topic,
    )
    return Sending(
        delivery_id=standing.id,
        subscription_id=standing.subscription_id,
        number=standing.attempt_count + 1,
        is_proven=one.last_accepted_at is not None,
        envelope=envelope,
    )


def _path(one: Claimable) -> str:
    """Return where a push leads: work to where it is done, all else to what was told of it."""
    if one.task_id is not None:
        return f"/tasks/{one.task_id}"
    return f"/notifications/{one.opens or one.notification_id}"


def _result(sending: Sending, outcome: Outcome, at: datetime) -> subscriptions.Result:
    accepted = outcome.kind is OutcomeKind.ACCEPTED
    return subscriptions.Result(sending.subscription_id, at, None if accepted else outcome.reason)


def _counts(standing: Standing, sending: Sending, outcome: Outcome) -> bool:
    """Tell whether an attempt says what becomes of its delivery."""
    if standing.state not in UNFINISHED:
        return False
    under_way = standing.state == DeliveryState.SENDING
    current = under_way and standing.attempt_count == sending.number
    return current or outcome.kind is OutcomeKind.ACCEPTED


def _ended(sending: Sending, outcome: Outcome) -> EndedAttempt:
    return EndedAttempt(
        delivery_id=sending.delivery_id,
        number=sending.number,
        outcome=outcome.kind,
        status=outcome.status,
        reason=outcome.reason[:MAX_REASON_LENGTH],
        detail=outcome.detail,
        location=outcome.location,
    )
