"""What one push service's trouble means for everything that is to go there."""

from dataclasses import replace
from threading import Thread

from sqlalchemy import select

from geoservices.accounts.models import Person, Purpose
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import origin_queries, service
from geoservices.deliveries.models import Attempt, Delivery, PushOrigin
from geoservices.deliveries.origins import TRIED_FOR
from geoservices.deliveries.settling import DOUBTED_WAIT
from geoservices.deliveries.states import DeliveryState
from geoservices.subscriptions.models import Subscription
from geoservices.subscriptions.service import unsubscribe
from tests.factories import make_person
from tests.notifying import (
    ACCEPTED,
    GONE,
    KEY,
    PUSH,
    RECEIPT_KEY,
    REFUSED,
    THROTTLED,
    TRANSIENT,
    URL,
    World,
    make_world,
    moment,
    offer,
)

ELSEWHERE = "https://web.push.apple.com/here"


def deliveries_of(world: World, person: Person) -> list[Delivery]:
    """Tell someone, and return the deliveries of that alone."""
    [made] = world.tell(world.decision(person))
    return list(world.session.scalars(select(Delivery).where(Delivery.notification_id == made.id)))


def test_patience_asked_of_one_is_shown_to_all_at_that_push_service(world: World) -> None:
    """They wait without an attempt; what goes elsewhere goes."""
    world.subscribe()
    [first] = world.notify()
    world.settle(world.claim(first)[0], THROTTLED)
    world.subscribe(offered=offer(ELSEWHERE))
    made = world.tell(world.decision(), second=2)

    rest = world.session.scalars(
        select(Delivery).where(Delivery.notification_id == made[0].id)
    ).all()
    sendings = world.claim(*rest, second=2)

    assert [sending.envelope.endpoint for sending in sendings] == [ELSEWHERE]
    [waits] = [one for one in rest if one.state == DeliveryState.QUEUED]
    assert (waits.due_at, waits.attempt_count) == (moment(181), 0)
    assert waits.reason == "the push service asked for patience"
    assert len(world.claim(waits, second=181)) == 1


def test_a_refused_key_loses_nothing(world: World) -> None:
    """Everything waits until a single push is taken, and then goes."""
    for _ in range(8):
        world.subscribe()
    deliveries = world.notify()
    refused = [(sending, REFUSED) for sending in world.claim(*deliveries)]
    [troubled] = world.settle_all(refused)

    assert (troubled.cause, troubled.closed_until) == ("refused", moment(61))
    assert {one.state for one in deliveries} == {DeliveryState.QUEUED}
    assert world.claim(*deliveries, second=30) == []
    [trying] = world.claim(*deliveries, second=61)
    world.settle(trying, ACCEPTED, second=62)
    assert len(world.claim(*deliveries, second=67)) == 7
    assert world.session.scalars(select(Subscription.ended_at)).all() == [None] * 8


def test_subscriptions_that_someone_made_up_close_nothing_for_others(world: World) -> None:
    """Sixteen endpoints of another key's, all refused: the honest browser is pushed to at once."""
    world.subscribe()
    world.settle(world.claim(*world.notify())[0], ACCEPTED)
    stranger = make_person(world.session, Purpose.NEARBY)
    for _ in range(16):
        world.subscribe(world.device(stranger))
    made_up = deliveries_of(world, stranger)

    worse = [
        world.settle_all([(one, answer) for one in world.claim(*made_up, second=at)], second=at)
        for at, answer in [(2, REFUSED), (6, GONE)]
    ]

    assert worse == [[], []]
    assert {one.state for one in made_up} == {DeliveryState.GONE}
    assert len(world.claim(*deliveries_of(world, world.person), second=7)) == 1


def test_a_push_service_is_tried_with_a_subscription_that_it_took_before(world: World) -> None:
    """One that was made up would be refused, however well the push service is."""
    proven = world.subscribe()
    world.settle(world.claim(*world.notify())[0], ACCEPTED)
    for _ in range(8):
        world.subscribe()
    row = world.session.scalars(select(PushOrigin)).one()
    row.cause, row.closed_until, row.refusals = "refused", moment(2), 5
    world.session.flush()

    [trying] = world.claim(*deliveries_of(world, world.person), second=3)

    assert trying.subscription_id == proven.id


def test_a_push_service_that_was_closed_long_ago_is_taken_for_open(world: World) -> None:
    """Anybody can make up hosts that never answer, so what claims look at has to end."""
    for _ in range(3):
        world.subscribe()
    deliveries = world.notify()
    for second, sending in enumerate(world.claim(*deliveries)):
        world.settle_all([(sending, TRANSIENT)] * 5, second=second)
    closed_until = world.session.scalars(select(PushOrigin.closed_until)).one()
    assert closed_until is not None
    ended = (closed_until - moment(0)).total_seconds()

    assert len(world.claim(*deliveries, second=ended)) == 1
    assert len(world.claim(*deliveries, second=ended + TRIED_FOR.total_seconds())) == 3


def test_a_key_that_breaks_later_closes_the_push_service(world: World) -> None:
    """Those that it took before are refused now."""
    for _ in range(5):
        world.subscribe()
    world.settle_all([(one, ACCEPTED) for one in world.claim(*world.notify())])
    later = deliveries_of(world, world.person)

    [troubled] = world.settle_all([(one, REFUSED) for one in world.claim(*later)])

    assert troubled.cause == "refused"


def test_what_was_taken_with_another_key_proves_nothing(world: World) -> None:
    """An endpoint is bound to its key, so whoever says that it now has ours is making it up."""
    subscription = world.subscribe()
    world.settle(world.claim(*world.notify())[0], ACCEPTED)
    subscription.vapid_key = "a key of before"
    world.session.flush()

    world.subscribe(offered=offer(subscription.endpoint), second=2)

    [sending] = world.claim(*deliveries_of(world, world.person), second=3)
    assert not sending.is_proven


def test_what_waits_for_a_closed_push_service_ends_at_its_deadline(world: World) -> None:
    """And not later than it would have."""
    world.subscribe()
    [delivery] = world.notify()
    row = PushOrigin(
        origin="https://updates.push.services.mozilla.com",
        vapid_key=KEY,
        closed_until=moment(24 * 3600),
        cause="throttled",
        strikes=0,
        refusals=0,
        failures=0,
        answered=0,
        gone=0,
    )
    world.session.add(row)
    world.session.flush()

    assert world.claim(delivery) == []
    assert delivery.due_at == delivery.expires_at
    assert world.claim(delivery, second=4 * 3600) == []
    assert delivery.state == DeliveryState.EXPIRED


def test_too_many_gone_at_once_end_nothing(world: World) -> None:
    """An operator is told; the deliveries rest and are tried again."""
    for _ in range(12):
        world.subscribe()
    deliveries = world.notify()

    worse = world.settle_all([(sending, GONE) for sending in world.claim(*deliveries)])

    assert [state.gone for state in worse] == [12]
    assert world.session.scalars(select(Subscription.ended_at)).all() == [None] * 12
    assert {(one.state, one.due_at) for one in deliveries} == {
        (DeliveryState.QUEUED, moment(1) + DOUBTED_WAIT)
    }


def test_what_ended_just_before_it_was_doubted_lives_again(world: World) -> None:
    """The first nine were believed, one by one; the tenth shows that it is not they.

    What they were to be told is tried again.
    """
    for _ in range(10):
        world.subscribe()
    deliveries = world.notify()

    worse = [
        world.settle_all([(sending, GONE)], second=second)
        for second, sending in enumerate(world.claim(*deliveries))
    ]

    assert [len(states) for states in worse] == [0] * 9 + [1]
    ended = world.session.execute(select(Subscription.ended_at, Subscription.ended_reason))
    assert set(ended) == {(None, None)}
    assert {(one.state, one.due_at) for one in deliveries} == {
        (DeliveryState.QUEUED, moment(9) + DOUBTED_WAIT)
    }


def test_what_was_replaced_meanwhile_stays_ended(world: World) -> None:
    """Its browser has a new one, and would otherwise have two."""
    for _ in range(10):
        world.subscribe()
    [first, *others] = world.claim(*world.notify())
    world.settle_all([(first, GONE)])
    replaced = world.session.get_one(Subscription, first.subscription_id)
    new = world.replace(replaced, second=5)

    for second, sending in enumerate(others, start=6):
        world.settle_all([(sending, GONE)], second=second)

    world.session.expire_all()
    ended = world.session.scalars(
        select(Subscription).where(Subscription.ended_at.is_not(None))
    ).all()
    assert ended == [replaced]
    assert new.ended_at is None


def test_what_was_unsubscribed_meanwhile_stays_ended(world: World) -> None:
    """Its person wants no more, and said so after the push service had."""
    for _ in range(10):
        world.subscribe()
    [first, *others] = world.claim(*world.notify())
    world.settle_all([(first, GONE)])
    ended = world.session.get_one(Subscription, first.subscription_id)
    unsubscribe(world.session, ended.id, device_id=ended.device_id, at=moment(2))
    world.session.flush()

    for second, sending in enumerate(others, start=3):
        world.settle_all([(sending, GONE)], second=second)

    world.session.expire_all()
    assert (ended.ended_at, ended.ended_reason) == (moment(1), "unsubscribed")


def test_a_single_gone_is_believed(world: World) -> None:
    """It ends one subscription and nothing else."""
    for _ in range(12):
        world.subscribe()
    sendings = world.claim(*world.notify())

    worse = world.settle_all([(sendings[0], GONE), *((one, ACCEPTED) for one in sendings[1:])])

    ended = world.session.scalars(select(Subscription).where(Subscription.ended_at.is_not(None)))
    assert [one.id for one in ended] == [
        world.session.get_one(Delivery, sendings[0].delivery_id).subscription_id
    ]
    assert worse == []


def test_push_services_that_nothing_was_pushed_to_for_long_are_forgotten(world: World) -> None:
    """Anybody may name hosts below an allowed one."""
    world.subscribe()
    world.settle(world.claim(*world.notify())[0], ACCEPTED)

    kept = origin_queries.forget_idle_origins(world.session, since=moment(0))
    gone = origin_queries.forget_idle_origins(world.session, since=moment(2))

    assert (kept, gone) == (0, 1)


def test_two_workers_count_together(committed: SessionFactory) -> None:
    """Neither overwrites what the other counted."""
    with transaction(committed) as session:
        world = make_world(session)
        for _ in range(8):
            world.subscribe()
        ids = [delivery.id for delivery in world.notify()]
        sendings = service.claim(
            session, ids, push=PUSH, public_url=URL, receipt_key=RECEIPT_KEY, at=moment(0)
        )

    def settle(part: slice) -> None:
        with transaction(committed) as session:
            results = [(sending, ACCEPTED) for sending in sendings[part]]
            service.settle(session, results, push=PUSH, at=moment(1))

    settle(slice(0, 1))  # The first one makes the row.
    threads = [Thread(target=settle, args=[slice(n, n + 1)]) for n in range(1, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with transaction(committed) as session:
        assert session.scalars(select(PushOrigin.answered)).all() == [8]


def test_an_attempt_keeps_what_operators_want_to_know(world: World) -> None:
    """The push service's own words, and its name for the message."""
    world.subscribe()
    [sending] = world.claim(*world.notify())
    told = replace(ACCEPTED, location="https://push.example/m/1", detail="all is well")

    world.settle(sending, told)

    attempt = world.session.scalars(select(Attempt)).one()
    assert (attempt.location, attempt.detail) == ("https://push.example/m/1", "all is well")
