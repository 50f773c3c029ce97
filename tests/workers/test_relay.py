"""The relay: ids of what is due go through a real broker, and come back if it is away."""

from collections.abc import Callable
from datetime import datetime, timedelta
from queue import Empty
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from kombu import Connection
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import InstrumentedAttribute

from geoservices import clock, outbox
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.models import Delivery
from geoservices.letters.models import Letter
from geoservices.outbox import OutboxMessage, Topic
from local.configuration import free_port
from tests import notifying, writing
from tests.workers.conftest import ring_at
from workers.app import app
from workers.relay import BROKER_ERRORS, Relay
from workers.schedule import SCHEDULE

LEASE = timedelta(seconds=30)


@pytest.fixture
def relay(committed: SessionFactory) -> Relay:
    """A relay on the test's database."""
    return Relay(committed, outbox_lease=LEASE, push_lease=LEASE, mail_lease=LEASE)


def publish(sessions: SessionFactory, count: int) -> list[int]:
    """Put messages in the outbox and return their ids."""
    with transaction(sessions) as session:
        outbox.publish(session, Topic.TRANSITION_MADE, [uuid4() for _ in range(count)])
        return list(session.scalars(select(OutboxMessage.id).order_by(OutboxMessage.id)))


def make_deliveries(sessions: SessionFactory, count: int) -> list[str]:
    """Have someone with so many browsers told of something, and return the deliveries' ids."""
    with transaction(sessions) as session:
        world = notifying.make_world(session)
        for _ in range(count):
            world.subscribe()
        return [str(delivery.id) for delivery in world.notify()]


def make_letters(sessions: SessionFactory, count: int) -> list[str]:
    """Have so many people give an address, and return the letters' ids."""
    with transaction(sessions) as session:
        world = writing.make_world(session)
        for number in range(count):
            world.set_address(f"p{number}@example.org", person=world.citizen())
        return [str(letter.id) for letter in world.letters()]


def claim(sessions: SessionFactory, delivery_id: UUID) -> None:
    """Begin to send a delivery, as a worker does."""
    with transaction(sessions) as session:
        [_sending] = deliveries.claim(
            session,
            [delivery_id],
            push=notifying.PUSH,
            public_url=notifying.URL,
            receipt_key=notifying.RECEIPT_KEY,
            at=notifying.moment(1),
            commit=True,
        )


def jobs(doorbell: Connection) -> list[tuple[str, list[Any]]]:
    """The jobs that wait at the broker, each with its ids."""
    queue = doorbell.SimpleQueue(app.conf.task_default_queue)
    found: list[tuple[str, list[Any]]] = []
    try:
        while True:
            message = queue.get(timeout=0.2)
            message.ack()
            [[ids], _named, _embedded] = message.payload
            found.append((message.headers["task"], ids))
    except Empty:
        return found
    finally:
        queue.close()


def test_what_is_due_is_handed_out_once(
    relay: Relay, committed: SessionFactory, doorbell: Connection
) -> None:
    """Messages and deliveries, one job each with all their ids; then nothing until the lease."""
    messages = publish(committed, 3)
    deliveries = make_deliveries(committed, 2)

    handed_out = relay.relay_once(), relay.relay_once()

    [(first, of_first), (second, of_second)] = jobs(doorbell)
    assert handed_out == (5, 0)
    assert (first, second) == ("campaigns.decide", "deliveries.send")
    assert of_first == messages
    assert sorted(of_second) == sorted(deliveries)


def test_a_job_carries_a_hundred_ids(
    relay: Relay, committed: SessionFactory, doorbell: Connection
) -> None:
    """The rest goes out with the next round."""
    messages = publish(committed, 130)

    rounds = [relay.relay_once() for _ in range(3)]

    assert rounds == [100, 30, 0]
    assert [ids for _job, ids in jobs(doorbell)] == [messages[:100], messages[100:]]


def test_nothing_due_rings_nothing(relay: Relay, engine: Engine, doorbell: Connection) -> None:
    """No empty jobs; and to learn that it asks once, for all kinds of work."""
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    assert relay.relay_once() == 0
    assert jobs(doorbell) == []
    assert len(asked) == 1


def test_whoever_begins_with_some_of_many_rings_for_the_next(
    committed: SessionFactory, database_url: str
) -> None:
    """They wait for it, as no more than a job of them goes to the broker; one alone rings not."""
    alone, of_many = map(UUID, make_deliveries(committed, 2))
    with transaction(committed) as session:
        session.get_one(Delivery, of_many).broadcast = True

    with psycopg.connect(database_url, autocommit=True) as listening:
        listening.execute(f"LISTEN {outbox.CHANNEL}")
        claim(committed, alone)
        with transaction(committed) as session:
            session.execute(select(func.pg_notify(outbox.CHANNEL, "in between")))
        claim(committed, of_many)
        heard = [one.payload for one in listening.notifies(timeout=30, stop_after=2)]

    assert heard == ["in between", ""]


@pytest.mark.parametrize(
    ("make", "due_at", "job"),
    [
        pytest.param(publish, OutboxMessage.due_at, "campaigns.decide", id="messages"),
        pytest.param(make_deliveries, Delivery.due_at, "deliveries.send", id="deliveries"),
        pytest.param(make_letters, Letter.due_at, "letters.send", id="letters"),
    ],
)
def test_what_the_broker_refuses_is_due_again_at_once(
    relay: Relay,
    committed: SessionFactory,
    doorbell: Connection,
    broker_url: str,
    make: Callable[[SessionFactory, int], list[Any]],
    due_at: InstrumentedAttribute[datetime],
    job: str,
) -> None:
    """And goes out as soon as it is back, without waiting for the lease."""
    made = make(committed, 2)
    ring_at(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(BROKER_ERRORS):
        relay.relay_once()
    with transaction(committed) as session:
        due = session.scalars(select(due_at)).all()
    ring_at(broker_url)

    handed_out = relay.relay_once()

    assert all(at <= clock.now() for at in due)
    assert handed_out == 2
    [(rung, ids)] = jobs(doorbell)
    assert (rung, sorted(ids)) == (job, sorted(made))


def test_every_job_that_is_scheduled_is_known_to_the_worker() -> None:
    """Once its modules are loaded, as the worker does."""
    app.loader.import_default_modules()

    assert {entry["task"] for entry in SCHEDULE.values()} <= set(app.tasks)
    assert {"campaigns.decide", "deliveries.send", "letters.send"} <= set(app.tasks)
