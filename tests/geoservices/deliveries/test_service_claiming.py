"""Deliveries handed out and claimed: each by one worker, and none that nobody asked for."""

import json
from datetime import datetime, timedelta
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import select

from geoservices.accounts.models import Purpose
from geoservices.campaigns.models import Decision
from geoservices.campaigns.rules import CampaignClass
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import forgetting_queries, service
from geoservices.deliveries.lanes import RETRIES, SINGLES
from geoservices.deliveries.models import Attempt, Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.deliveries.tokens import make_token
from geoservices.notifications.models import Notification
from geoservices.places.models import Place
from geoservices.push.gateway import Outcome, OutcomeKind
from tests.factories import (
    NOON,
)
from tests.notifying import (
    ACCEPTED,
    PUSH,
    RECEIPT_KEY,
    TOO_LARGE,
    TRANSIENT,
    URL,
    World,
    make_world,
    moment,
)


def test_claiming_writes_the_attempt_down_and_takes_a_lease(world: World) -> None:
    """Before anything is sent; nobody else gets it meanwhile."""
    subscription = world.subscribe()
    [delivery] = world.notify()

    [sending] = world.claim(delivery, second=10)
    again = world.claim(delivery, second=10 + 29)

    attempt = world.session.scalars(select(Attempt)).one()
    assert (delivery.state, delivery.attempt_count) == (DeliveryState.SENDING, 1)
    assert delivery.due_at == delivery.leased_until == moment(10) + PUSH.lease
    assert (attempt.number, attempt.started_at, attempt.finished_at) == (1, moment(10), None)
    assert again == []
    envelope = sending.envelope
    assert (envelope.endpoint, envelope.p256dh) == (subscription.endpoint, subscription.p256dh)
    assert envelope.ttl == timedelta(hours=4) - timedelta(seconds=10)
    assert f"{URL}/notifications/{delivery.notification_id}".encode() in envelope.payload
    assert make_token(RECEIPT_KEY, delivery.id).encode() in envelope.payload


def test_what_was_too_large_is_sent_in_its_short_form(world: World) -> None:
    """Where a push service takes less than all known ones do; it is still the same message."""
    world.subscribe()
    [delivery] = world.notify()
    [whole] = world.claim(delivery)
    world.settle(
        whole, Outcome(kind=OutcomeKind.REFUSED, reason="payload-too-large", status=413), second=1
    )

    [short] = world.claim(delivery, second=2)

    first, second = (json.loads(one.envelope.payload)["notification"] for one in (whole, short))
    assert first.pop("body") == "Come in."
    assert second == first
    assert len(short.envelope.payload) < len(whole.envelope.payload)


def test_a_worker_that_died_is_followed_by_another(world: World) -> None:
    """After the lease the same message goes out again, with the same topic."""
    world.subscribe()
    [delivery] = world.notify()

    [lost] = world.claim(delivery)
    [second] = world.claim(delivery, second=30)

    assert (lost.number, second.number) == (1, 2)
    assert second.envelope.topic == lost.envelope.topic


@pytest.mark.parametrize(
    ("campaign_class", "urgency"),
    [
        (CampaignClass.OFFER, "normal"),
        (CampaignClass.SERVICE, "high"),
        (CampaignClass.CRITICAL, "high"),
    ],
)
def test_urgency_follows_the_class(
    world: World, campaign_class: CampaignClass, urgency: str
) -> None:
    """RFC 8030 section 5.3."""
    world.campaign.campaign_class = campaign_class
    world.subscribe()

    [sending] = world.claim(*world.notify())

    assert sending.envelope.urgency == urgency


def test_what_has_expired_is_not_sent(world: World) -> None:
    """It is settled at once."""
    world.subscribe()
    [delivery] = world.notify()

    sendings = world.claim(delivery, second=4 * 3600)

    assert sendings == []
    assert delivery.state == DeliveryState.EXPIRED
    assert delivery.attempt_count == 0


@pytest.mark.parametrize("how", ["unsubscribed", "device revoked"])
def test_what_has_nowhere_to_go_is_not_sent(world: World, how: str) -> None:
    """The subscription ended, or the device was revoked, after the person was to be told."""
    device = world.device()
    subscription = world.subscribe(device)
    [delivery] = world.notify()
    if how == "unsubscribed":
        subscription.ended_at = moment(1)
    else:
        device.revoked_at = moment(1)
    world.session.flush()

    sendings = world.claim(delivery, second=2)

    assert sendings == []
    assert delivery.state == DeliveryState.GONE


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("listing", "what it speaks of was withdrawn"),
        ("campaign", "the campaign has ended"),
    ],
)
@pytest.mark.parametrize("tried_before", [False, True])
def test_what_was_withdrawn_is_not_sent(
    world: World, how: str, reason: str, *, tried_before: bool
) -> None:
    """The listing was withdrawn, or the campaign ended, after the person was to be told."""
    world.subscribe()
    [delivery] = world.notify()
    if tried_before:
        world.settle(world.claim(delivery)[0], TRANSIENT)
    if how == "listing":
        world.listing.withdrawn_at = moment(20)
    else:
        world.campaign.ended_at = moment(20)
    world.session.flush()

    sendings = world.claim(delivery, second=20)

    assert sendings == []
    assert (delivery.state, delivery.reason) == (DeliveryState.EXPIRED, reason)
    for lane in (SINGLES, RETRIES):
        assert lane.hand_out(world.session, at=moment(100), lease=PUSH.lease, limit=9) == []


@pytest.mark.parametrize(
    ("trigger", "until", "sent"),
    [("entered", None, 0), ("checked-in", None, 1), ("entered", moment(20), 1)],
)
def test_nobody_is_told_of_having_passed_a_place_that_is_sensitive_by_now(
    world: World, trigger: str, until: datetime | None, sent: int
) -> None:
    """Nor where its visit is gone, and the guard cannot find whom to forget. Checking in counts."""
    world.subscribe()
    [delivery] = world.notify()
    world.session.scalars(select(Decision)).one().trigger = trigger
    place = world.session.get_one(Place, world.listing.place_id)
    place.sensitive_kind, place.sensitive_until = "clinic", until
    world.session.flush()

    sendings = world.claim(delivery, second=20)

    assert len(sendings) == sent
    assert (delivery.state == DeliveryState.EXPIRED) == (sent == 0)


def test_a_campaign_that_ends_later_still_speaks(world: World) -> None:
    """Until that very moment."""
    world.subscribe()
    [delivery] = world.notify()
    world.campaign.ended_at = moment(21)
    world.session.flush()

    assert len(world.claim(delivery, second=20)) == 1


def test_too_many_attempts_are_given_up(world: World) -> None:
    """Workers that die again and again do not go on for ever."""
    world.subscribe()
    [delivery] = world.notify()
    push = PUSH.model_copy(update={"max_attempts": 2})

    numbers = [
        [sending.number for sending in world.claim(delivery, second=31 * n, push=push)]
        for n in range(3)
    ]

    assert numbers == [[1], [2], []]
    assert delivery.state == DeliveryState.FAILED
    assert delivery.reason == "gave up after 2 attempts"


def test_what_was_too_large_goes_out_in_its_short_form(world: World) -> None:
    """Once, and at once; the tag and the link are the same."""
    world.subscribe()
    [delivery] = world.notify()
    [whole] = world.claim(delivery)

    world.settle(whole, TOO_LARGE)
    [short] = world.claim(delivery, second=1)
    world.settle(short, TOO_LARGE, second=2)

    long, brief = (json.loads(one.envelope.payload)["notification"] for one in (whole, short))
    assert set(long) - set(brief) == {"body"}
    assert (brief["tag"], brief["navigate"]) == (long["tag"], long["navigate"])
    assert delivery.state == DeliveryState.FAILED


def test_what_a_purpose_told_is_forgotten_with_it(world: World) -> None:
    """Waiting or sent, with the decision; what another purpose told stays."""
    world.subscribe()
    [sent] = world.notify()
    world.settle(world.claim(sent)[0], ACCEPTED)
    queued = next(one for one in world.notify() if one.id != sent.id)
    person_id = world.person.id

    forgetting_queries.forget_told(
        world.session, person_id, Purpose.CHECK_IN_CONTENT, (), tests=False
    )
    untouched = world.session.scalars(select(Delivery.id)).all()
    forgetting_queries.forget_told(world.session, person_id, Purpose.NEARBY, (), tests=False)
    world.session.expunge_all()

    assert set(untouched) == {sent.id, queued.id}
    for table in (Delivery, Notification, Decision):
        assert world.session.scalars(select(table.id)).all() == []


def test_deliveries_are_handed_out_once_and_put_back_at_once(world: World) -> None:
    """As outbox messages are: after the lease they come round by themselves."""
    for _ in range(3):
        world.subscribe()
    world.notify()
    lease = PUSH.lease

    first = SINGLES.hand_out(world.session, at=NOON, lease=lease, limit=2)
    second = SINGLES.hand_out(world.session, at=NOON, lease=lease, limit=2)
    SINGLES.put_back(world.session, first, at=NOON)
    again = SINGLES.hand_out(world.session, at=NOON, lease=lease, limit=5)

    assert (len(first), len(second)) == (2, 1)
    assert set(again) == set(first)


def test_workers_that_claim_together_share_the_deliveries(committed: SessionFactory) -> None:
    """Real connections, each asking for all of them: no delivery is sent twice."""
    with transaction(committed) as session:
        world = make_world(session)
        for _ in range(40):
            world.subscribe()
        ids = [delivery.id for delivery in world.notify()]
    start = Barrier(3)
    claimed: list[UUID] = []

    def work() -> None:
        start.wait()
        with transaction(committed) as session:
            sendings = service.claim(
                session, ids, push=PUSH, public_url=URL, receipt_key=RECEIPT_KEY, at=NOON
            )
            claimed.extend(sending.delivery_id for sending in sendings)

    workers = [Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(claimed) == sorted(ids)


def test_a_claim_passes_over_what_another_is_claiming(committed: SessionFactory) -> None:
    """Neither waits for the other."""
    with transaction(committed) as session:
        world = make_world(session)
        for _ in range(2):
            world.subscribe()
        one, other = (delivery.id for delivery in world.notify())
    with committed() as first, committed() as second:
        held = service.claim(
            first, [one], push=PUSH, public_url=URL, receipt_key=RECEIPT_KEY, at=NOON
        )

        rest = service.claim(
            second, [one, other], push=PUSH, public_url=URL, receipt_key=RECEIPT_KEY, at=NOON
        )
        first.commit()
        second.commit()

    assert [sending.delivery_id for sending in held] == [one]
    assert [sending.delivery_id for sending in rest] == [other]
