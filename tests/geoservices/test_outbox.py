"""The outbox: told after the commit, handed out with a lease, lost by nobody."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Barrier, Thread
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geoservices import clock, outbox
from geoservices.database import SessionFactory, connect, transaction
from geoservices.leasing.queries import put_off, wait_after
from geoservices.outbox import OutboxMessage, Topic

LEASE = timedelta(seconds=30)
SOON = timedelta(seconds=1)


@pytest.fixture
def bell(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection that listens as the relay does."""
    with connect(database_url) as connection:
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(outbox.CHANNEL)))
        yield connection


def rings(bell: psycopg.Connection, *, within_s: float) -> int:
    """Count how often the bell is heard within so many seconds; none stops the wait early."""
    return len(list(bell.notifies(timeout=within_s)))


def publish(session: Session, count: int = 1) -> list[UUID]:
    """Publish messages about so many made-up transitions."""
    subjects = [uuid4() for _ in range(count)]
    outbox.publish(session, Topic.TRANSITION_MADE, subjects)
    return subjects


def test_the_bell_is_heard_only_after_the_commit(
    committed: SessionFactory, bell: psycopg.Connection
) -> None:
    """And once for a transaction, however much it published."""
    with committed() as session:
        publish(session, 3)
        publish(session)
        before = rings(bell, within_s=0.15)
        session.commit()
        after = rings(bell, within_s=0.3)

    assert (before, after) == (0, 1)


def test_a_transaction_that_fails_rings_for_nothing(
    committed: SessionFactory, bell: psycopg.Connection
) -> None:
    """Its messages are gone with everything else it did."""
    with committed() as session:
        publish(session)
        session.rollback()

        assert rings(bell, within_s=0.15) == 0
        assert session.scalars(select(OutboxMessage)).all() == []


def test_publishing_nothing_announces_nothing(session: Session, statements: list[str]) -> None:
    """No message, no bell, no statement."""
    outbox.publish(session, Topic.TRANSITION_MADE, [])

    assert statements == []


def test_messages_are_handed_out_in_the_order_in_which_they_were_published(
    session: Session,
) -> None:
    """Oldest first, at most so many at a time."""
    subjects = publish(session, 5)
    now = clock.now()

    first = outbox.DUE.hand_out(session, at=now + SOON, lease=LEASE, limit=3)
    second = outbox.DUE.hand_out(session, at=now + SOON, lease=LEASE, limit=3)
    messages = outbox.take(session, [*second, *first])

    assert (len(first), len(second)) == (3, 2)
    assert [message.subject_id for message in messages] == subjects


def test_what_is_handed_out_comes_due_again_after_the_lease(session: Session) -> None:
    """Unless it was settled: a lost job costs a lease and nothing else."""
    publish(session, 2)
    now = clock.now() + SOON
    one, other = outbox.DUE.hand_out(session, at=now, lease=LEASE, limit=10)
    outbox.settle(session, outbox.take(session, [one]))

    early = outbox.DUE.hand_out(session, at=now + LEASE - SOON, lease=LEASE, limit=10)
    late = outbox.DUE.hand_out(session, at=now + LEASE, lease=LEASE, limit=10)

    assert early == []
    assert late == [other]


def test_what_could_not_be_handed_over_is_put_back(session: Session) -> None:
    """The broker is away; it is due again at once."""
    publish(session, 2)
    now = clock.now() + SOON
    ids = outbox.DUE.hand_out(session, at=now, lease=LEASE, limit=10)

    outbox.DUE.put_back(session, ids, at=now)

    assert outbox.DUE.hand_out(session, at=now, lease=LEASE, limit=10) == ids


def test_settling_removes_what_was_done_and_nothing_else(session: Session) -> None:
    """Taking what is gone finds nothing."""
    publish(session, 3)
    ids = outbox.DUE.hand_out(session, at=clock.now() + SOON, lease=LEASE, limit=10)

    outbox.settle(session, outbox.take(session, ids[:2]))

    assert [message.id for message in outbox.take(session, ids)] == ids[2:]
    assert session.scalars(select(OutboxMessage.id)).all() == ids[2:]


def test_two_jobs_with_the_same_messages_share_them(committed: SessionFactory) -> None:
    """The second takes none that the first is working on, and finds none once it is done."""
    with transaction(committed) as session:
        publish(session, 3)
        ids = outbox.DUE.hand_out(session, at=clock.now() + SOON, lease=LEASE, limit=10)
    with committed() as one, committed() as other:
        taken = outbox.take(one, ids)
        meanwhile = outbox.take(other, ids)
        outbox.settle(one, taken)
        one.commit()
        afterwards = outbox.take(other, ids)

    assert len(taken) == 3
    assert meanwhile == afterwards == []


def test_any_number_of_relays_hand_out_each_message_once(committed: SessionFactory) -> None:
    """Real connections racing for two hundred messages, seven at a time."""
    with transaction(committed) as session:
        publish(session, 200)
    start = Barrier(3)
    now = clock.now() + SOON
    handed_out: list[int] = []
    sizes: list[int] = []

    def relay() -> None:
        start.wait()
        for _ in range(40):
            with transaction(committed) as session:
                ids = outbox.DUE.hand_out(session, at=now, lease=LEASE, limit=7)
            handed_out.extend(ids)
            sizes.append(len(ids))

    relays = [Thread(target=relay) for _ in range(3)]
    for thread in relays:
        thread.start()
    for thread in relays:
        thread.join()

    assert len(handed_out) == len(set(handed_out)) == 200
    assert max(sizes) == 7


def test_the_limit_holds_whatever_the_planner_does(session: Session) -> None:
    """A subquery that locks must run once, also where the plan would rather repeat it."""
    publish(session, 50)
    for plan in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "indexscan"):
        session.execute(text(f"SET LOCAL enable_{plan} = off"))

    ids = outbox.DUE.hand_out(session, at=clock.now() + SOON, lease=LEASE, limit=7)

    assert len(ids) == 7


def test_what_fails_is_put_off_longer_each_time(session: Session) -> None:
    """It is counted and never lost; the others stay as they are."""
    publish(session, 2)
    now = clock.now() + SOON
    bad, good = outbox.DUE.hand_out(session, at=now, lease=LEASE, limit=10)

    waits = []
    for _ in range(14):
        put_off(session, OutboxMessage, bad, at=now)
        waits.append((session.get_one(OutboxMessage, bad).due_at - now).total_seconds())

    assert waits == [2.0**n for n in range(1, 12)] + [3600.0] * 3
    assert session.get_one(OutboxMessage, bad).attempt_count == 14
    assert session.get_one(OutboxMessage, good).attempt_count == 0
    assert outbox.DUE.hand_out(session, at=now + LEASE, lease=LEASE, limit=10) == [good]


def test_what_was_told_meanwhile_is_not_put_off(session: Session) -> None:
    """There is nothing left to count."""
    publish(session)
    ids = outbox.DUE.hand_out(session, at=clock.now() + SOON, lease=LEASE, limit=10)
    outbox.settle(session, outbox.take(session, ids))

    put_off(session, OutboxMessage, ids[0], at=clock.now())

    assert session.scalars(select(OutboxMessage)).all() == []


def test_the_wait_never_exceeds_an_hour() -> None:
    """However often it failed."""
    assert wait_after(10_000) == timedelta(hours=1)
