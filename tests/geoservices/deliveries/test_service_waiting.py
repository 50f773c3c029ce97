"""Who waits for whom while deliveries are settled, acknowledged and called back."""

from collections import Counter
from collections.abc import Callable
from threading import Thread
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Purpose
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import forgetting_queries, receipts, service
from geoservices.deliveries.models import Attempt, Delivery, Receipt
from geoservices.deliveries.receipts import Acknowledged
from geoservices.deliveries.service import Sending
from geoservices.deliveries.states import DeliveryState, ReceiptKind
from geoservices.push.gateway import Outcome
from geoservices.subscriptions.models import Subscription
from tests.notifying import (
    ACCEPTED,
    GONE,
    PUSH,
    RECEIPT_KEY,
    TRANSIENT,
    URL,
    World,
    make_world,
    moment,
    report,
)


def at_once(
    sessions: SessionFactory,
    held: tuple[type[Delivery | Subscription], UUID],
    *works: Callable[[Session], object],
) -> list[Exception]:
    """Start each work in a transaction of its own, and return what went wrong.

    A row is held until all of them wait for it; then the first one gets it. Whoever came to it
    with another row in hand, which the first one wants next, is locked up with it.
    """
    failures: list[Exception] = []

    def run(work: Callable[[Session], object]) -> None:
        try:
            with transaction(sessions) as session:
                work(session)
        except Exception as error:  # noqa: BLE001  (The test says which are none.)
            failures.append(error)

    threads = [Thread(target=run, args=[work]) for work in works]
    with transaction(sessions) as holder:
        holder.get_one(*held, with_for_update=True)
        for thread in threads:
            thread.start()
            thread.join(timeout=0.3)
    for thread in threads:
        thread.join()
    return failures


def claim(session: Session, ids: list[UUID]) -> list[Sending]:
    """Claim deliveries, in the order given."""
    made = service.claim(
        session, ids, push=PUSH, public_url=URL, receipt_key=RECEIPT_KEY, at=moment(0)
    )
    return sorted(made, key=lambda sending: ids.index(sending.delivery_id))


def notify(world: World, subscriptions: list[UUID]) -> list[UUID]:
    """Tell the person, and return the deliveries in the order of these subscriptions."""
    known = set(world.session.scalars(select(Delivery.id)))
    made = [delivery for delivery in world.notify() if delivery.id not in known]
    made.sort(key=lambda delivery: subscriptions.index(delivery.subscription_id))
    return [delivery.id for delivery in made]


def test_two_jobs_with_the_same_dead_subscriptions_do_not_wait_for_each_other(
    committed: SessionFactory,
) -> None:
    """Each settles what was accepted too; if one were rolled back that would be sent twice."""
    with transaction(committed) as session:
        world = make_world(session)
        dead = sorted(world.subscribe().id for _ in range(2))
        living = world.subscribe().id
        one = claim(session, notify(world, [living, *dead]))
        other = claim(session, notify(world, [living, *reversed(dead)]))

    def settle(sendings: list[Sending]) -> Callable[[Session], object]:
        results = list(zip(sendings, (ACCEPTED, GONE, GONE), strict=True))
        return lambda session: service.settle(session, results, push=PUSH, at=moment(1))

    failures = at_once(committed, (Subscription, dead[0]), settle(one), settle(other))

    with transaction(committed) as session:
        states = session.scalars(select(Delivery.state).order_by(Delivery.state)).all()
        ended = session.scalars(select(Subscription.id).where(Subscription.ended_at.is_not(None)))
        assert set(ended) == set(dead)
    assert failures == []
    assert states == [DeliveryState.ACCEPTED] * 2 + [DeliveryState.GONE] * 4


def test_a_withdrawal_and_a_settlement_do_not_wait_for_each_other(
    committed: SessionFactory,
) -> None:
    """Both lock deliveries in the order of their ids, wherever the rows lie."""
    with transaction(committed) as session:
        world = make_world(session)
        for _ in range(2):
            world.subscribe()
        for number, delivery in enumerate(world.notify()):
            delivery.id = UUID(int=2 - number)
        session.flush()
        person_id = world.person.id
    results = []
    for number in (2, 1):  # The row that is written last lies last.
        with transaction(committed) as session:
            results += [(sending, ACCEPTED) for sending in claim(session, [UUID(int=number)])]

    failures = at_once(
        committed,
        (Delivery, UUID(int=1)),
        lambda session: service.settle(session, results, push=PUSH, at=moment(1)),
        lambda session: forgetting_queries.forget_told(
            session, person_id, Purpose.NEARBY, (), tests=False
        ),
    )

    assert failures == []


@pytest.mark.parametrize("outcome", [ACCEPTED, TRANSIENT, GONE])
@pytest.mark.parametrize("receipts_first", [True, False])
def test_receipts_and_a_settlement_do_not_wait_for_each_other(
    committed: SessionFactory, outcome: Outcome, *, receipts_first: bool
) -> None:
    """Whoever comes first, what was shown stays shown, and nothing is sent again."""
    with transaction(committed) as session:
        world = make_world(session)
        for _ in range(3):
            world.subscribe()
        sendings = claim(session, [delivery.id for delivery in world.notify()])
    ids = sorted(sending.delivery_id for sending in sendings)
    results = [(sending, outcome) for sending in sendings]
    said = [report(id_) for id_ in reversed(ids)]

    def take(session: Session) -> None:
        receipts.take(session, said, keys=[RECEIPT_KEY], at=moment(60))

    def settle(session: Session) -> None:
        service.settle(session, results, push=PUSH, at=moment(1))

    works = (take, settle) if receipts_first else (settle, take)

    failures = at_once(committed, (Delivery, ids[0]), *works)

    with transaction(committed) as session:
        states = session.scalars(select(Delivery.state)).all()
        outcomes = set(session.scalars(select(Attempt.outcome)))
        again = claim(session, ids)
    assert failures == []
    assert states == [DeliveryState.SHOWN] * 3
    assert outcomes == {outcome.kind}
    assert again == []


def test_two_batches_of_receipts_do_not_wait_for_each_other(committed: SessionFactory) -> None:
    """The same deliveries the other way round, each said twice: every word is stored once."""
    with transaction(committed) as session:
        world = make_world(session)
        for _ in range(4):
            world.subscribe()
        ids = sorted(delivery.id for delivery in world.notify())
        claim(session, ids)
    news: list[Acknowledged] = []

    def saying(ids: list[UUID], kind: ReceiptKind) -> Callable[[Session], None]:
        said = [report(id_, kind) for id_ in ids] + [report(id_) for id_ in ids]
        return lambda session: news.extend(
            receipts.take(session, said, keys=[RECEIPT_KEY], at=moment(60)).news
        )

    failures = at_once(
        committed,
        (Delivery, ids[0]),
        saying(ids, ReceiptKind.CLICKED),
        saying(ids[::-1], ReceiptKind.DISMISSED),
        saying(ids[2:] + ids[:2], ReceiptKind.SHOWN),
    )

    with transaction(committed) as session:
        kinds = Counter(session.scalars(select(Receipt.kind)))
        states = session.scalars(select(Delivery.state)).all()
    assert failures == []
    assert kinds == dict.fromkeys(ReceiptKind, 4)
    assert states == [DeliveryState.CLICKED] * 4
    assert Counter((one.delivery_id, kind) for one in news for kind in one.kinds) == {
        (id_, kind): 1 for id_ in ids for kind in ReceiptKind
    }


@pytest.mark.parametrize("outcome", [ACCEPTED, GONE, TRANSIENT])
def test_settling_takes_a_handful_of_statements(
    world: World, statements: list[str], outcome: Outcome
) -> None:
    """However many deliveries there are that end alike."""
    for _ in range(50):
        world.subscribe()
    sendings = claim(world.session, [delivery.id for delivery in world.notify()])
    world.session.flush()
    results = [(sending, outcome) for sending in sendings]
    statements.clear()

    service.settle(world.session, results, push=PUSH, at=moment(1))
    world.session.flush()

    assert len(statements) <= 7
    assert set(world.session.scalars(select(Attempt.finished_at))) == {moment(1)}
