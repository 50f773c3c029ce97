"""A browser that subscribes anew while its deliveries are made, claimed and settled."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from geoservices import pipeline
from geoservices.accounts import queries as accounts
from geoservices.campaigns.speaking import Message
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import receipts, service
from geoservices.deliveries.models import Delivery, PushOrigin, Receipt
from geoservices.deliveries.receipts import ReceiptReport
from geoservices.deliveries.service import Sending
from geoservices.deliveries.states import DeliveryState, ReceiptKind
from geoservices.notifications import service as notifications
from geoservices.push.gateway import Outcome
from geoservices.subscriptions.models import EndedReason, Subscription
from geoservices.subscriptions.service import MAX_SUBSCRIPTIONS
from tests.notifying import (
    ACCEPTED,
    GONE,
    KEY,
    PUSH,
    RECEIPT_KEY,
    TRANSIENT,
    URL,
    make_world,
    moment,
    offer,
    report,
)

PATIENT = PUSH.model_copy(update={"max_attempts": 20})
ROUNDS = 8


@dataclass(slots=True)
class Home:
    """A committed person with two devices, one of which has a subscription."""

    sessions: SessionFactory
    person_id: UUID
    devices: list[UUID]
    endpoint: str
    decisions: list[Message]

    def subscribe(
        self,
        session: Session,
        number: int = 0,
        *,
        replaces: str | None = None,
        second: float = 5,
    ) -> None:
        """Subscribe a new browser of a device's."""
        pipeline.subscribe(
            session,
            device_id=self.devices[number],
            offered=replace(offer(), replaces=replaces),
            current_key=KEY,
            push=PUSH,
            at=moment(second),
        )

    def replace(self, session: Session) -> None:
        """Subscribe in the place of the one there is."""
        self.subscribe(session, replaces=self.endpoint, second=10)


@pytest.fixture
def home(committed: SessionFactory) -> Home:
    """A person whose one subscription has a delivery waiting."""
    with transaction(committed) as session:
        world = make_world(session)
        devices = [world.device() for _ in range(2)]
        endpoint = world.subscribe(devices[0]).endpoint
        world.notify()
        return Home(
            sessions=committed,
            person_id=world.person.id,
            devices=[device.id for device in devices],
            endpoint=endpoint,
            decisions=[world.decision() for _ in range(3)],
        )


def at_once(sessions: SessionFactory, *works: Callable[[Session], object]) -> list[Exception]:
    """Do each in a transaction and thread of its own; return what went wrong."""
    failures: list[Exception] = []
    together = Barrier(len(works))

    def run(work: Callable[[Session], object]) -> None:
        try:
            with transaction(sessions) as session:
                session.connection()
                together.wait()
                work(session)
        except Exception as error:  # noqa: BLE001  (The test says which are none.)
            failures.append(error)

    threads = [Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def claim_all(session: Session) -> list[Sending]:
    """Claim whatever there is."""
    ids = session.scalars(select(Delivery.id)).all()
    return service.claim(
        session, ids, push=PATIENT, public_url=URL, receipt_key=RECEIPT_KEY, at=moment(11)
    )


def living(session: Session) -> list[Subscription]:
    """The subscriptions that have not ended."""
    return list(session.scalars(select(Subscription).where(Subscription.ended_at.is_(None))))


def test_browsers_that_subscribe_at_once_at_the_cap_are_all_kept(home: Home) -> None:
    """An older one makes room for each of them."""
    with transaction(home.sessions) as session:
        for number in range(MAX_SUBSCRIPTIONS - 1):
            home.subscribe(session, number % 2)
        before = {one.id for one in living(session)}

    failures = at_once(
        home.sessions,
        *[partial(home.subscribe, number=number % 2, second=10) for number in range(4)],
    )

    with transaction(home.sessions) as session:
        after = {one.id for one in living(session)}
        ended = session.scalars(
            select(Subscription.ended_reason).where(Subscription.ended_at.is_not(None))
        ).all()
    assert failures == []
    assert len(before) == len(after) == MAX_SUBSCRIPTIONS
    assert len(after - before) == 4
    assert ended == [EndedReason.TOO_MANY] * 4


def test_a_replacement_and_a_claim_lose_nothing(home: Home) -> None:
    """Whoever comes first: it is claimed for one of the two, or waits for the new one."""
    for _ in range(ROUNDS):
        failures = at_once(home.sessions, home.replace, claim_all)

        with transaction(home.sessions) as session:
            [new] = living(session)
            [delivery] = session.scalars(select(Delivery))
            assert delivery.state in {DeliveryState.QUEUED, DeliveryState.SENDING}
            assert delivery.subscription_id == new.id
            home.endpoint = new.endpoint
            delivery.state, delivery.leased_until = DeliveryState.QUEUED, None
        assert failures == []


@pytest.mark.parametrize("outcome", [ACCEPTED, GONE, TRANSIENT])
def test_a_replacement_and_a_settlement_do_not_wait_for_each_other(
    home: Home, outcome: Outcome
) -> None:
    """It was accepted once, or waits for the new one; and nobody is rolled back."""
    for _ in range(ROUNDS):
        with transaction(home.sessions) as session:
            results = [(sending, outcome) for sending in claim_all(session)]

        def settle(session: Session, results: list[tuple[Sending, Outcome]] = results) -> None:
            service.settle(session, results, push=PATIENT, at=moment(12))

        failures = at_once(home.sessions, settle, home.replace, claim_all)

        with transaction(home.sessions) as session:
            [new] = living(session)
            [delivery] = session.scalars(select(Delivery))
            assert (delivery.state == DeliveryState.ACCEPTED) == (outcome is ACCEPTED)
            if outcome is not ACCEPTED:
                assert delivery.state in {DeliveryState.QUEUED, DeliveryState.SENDING}
                assert delivery.subscription_id == new.id
            home.endpoint = new.endpoint
            delivery.subscription_id = new.id
            delivery.state, delivery.leased_until = DeliveryState.QUEUED, None
            session.execute(delete(PushOrigin))  # Or it would be closed after some failures.
        assert len(results) == 1
        assert failures == []


def test_a_replacement_and_a_receipt_do_not_wait_for_each_other(home: Home) -> None:
    """The browser tells of its new subscription while its service worker tells what it showed."""
    for _ in range(ROUNDS):
        with transaction(home.sessions) as session:
            [sending] = claim_all(session)
        said = [report(sending.delivery_id, ReceiptKind.SHOWN)]

        def acknowledge(session: Session, said: list[ReceiptReport] = said) -> None:
            receipts.take(session, said, keys=[RECEIPT_KEY], at=moment(12))

        failures = at_once(home.sessions, acknowledge, home.replace)

        with transaction(home.sessions) as session:
            [new] = living(session)
            [delivery] = session.scalars(select(Delivery))
            assert delivery.state == DeliveryState.SHOWN
            home.endpoint = new.endpoint
            delivery.subscription_id = new.id
            delivery.state, delivery.leased_until = DeliveryState.QUEUED, None
            session.delete(session.scalars(select(Receipt)).one())
        assert failures == []


def test_what_is_decided_meanwhile_finds_the_new_subscription(home: Home) -> None:
    """Whoever decides about a person waits for whoever subscribes them, and the other way round."""

    def tell(session: Session) -> None:
        accounts.lock_people(session, [home.person_id])
        made = notifications.write(session, home.decisions, at=moment(10))
        service.enqueue(session, made, at=moment(10))
        time.sleep(0.3)

    failures = at_once(home.sessions, home.replace, tell)

    with transaction(home.sessions) as session:
        [new] = living(session)
        reached = session.scalars(select(Delivery.subscription_id)).all()
    assert failures == []
    assert reached == [new.id] * 4
