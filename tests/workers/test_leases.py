"""What holds for whatever the relay hands out: each promise for each kind, on real connections."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_bytes, token_hex
from threading import Barrier, Thread
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Column, Engine, delete, insert, select, text
from sqlalchemy.orm import sessionmaker

from geoservices.campaigns import replays, waiting_lanes
from geoservices.campaigns.lifecycle import ReplayState
from geoservices.campaigns.models import HeldMessage
from geoservices.campaigns.replay_models import CampaignReplay
from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import lanes
from geoservices.deliveries.lane_queries import BehindRuns
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.erasures.models import Erasure
from geoservices.exports import service as exports
from geoservices.exports.models import Export, ExportState
from geoservices.feeds.answers import FeedKind
from geoservices.feeds.models import Feed
from geoservices.imports import service as imports
from geoservices.imports.models import ImportMode, ImportState, TaskImport
from geoservices.leasing.models import Reason
from geoservices.leasing.queries import LEAST_PACE, Paced, Queue
from geoservices.leasing.work import Superseded, Work
from geoservices.letters.models import Letter, LetterKind, LetterState
from geoservices.outbox import OutboxMessage, Topic
from tests.factories import NOON
from tests.jobs import app
from workers.relay import Bell, Relay

LEASE: Final = timedelta(seconds=30)
AT: Final = NOON + timedelta(minutes=1)
LATER: Final = AT + LEASE
BELLS: Final = Relay(sessionmaker(), outbox_lease=LEASE, push_lease=LEASE, mail_lease=LEASE).bells
OF_MANY: Final = (lanes.BROADCASTS, waiting_lanes.BROADCASTS)
WORKS: Final[tuple[Work[Any], ...]] = (exports.WORK, imports.WORK, replays.WORK)
WAITING: Final[dict[type, dict[str, object]]] = {
    OutboxMessage: {"topic": Topic.CHECK_IN_MADE},
    HeldMessage: {},
    Delivery: {"state": DeliveryState.QUEUED},
    CampaignRun: {"state": CampaignRunState.UNDER_WAY, "trigger": Trigger.NOW},
    Letter: {
        "state": LetterState.QUEUED,
        "kind": LetterKind.CONFIRMATION,
        "recipient": "a@b.example",
    },
    Erasure: {"person_id": UUID(int=1)},
    Feed: {"kind": FeedKind.ICALENDAR},
    Export: {"state": ExportState.QUEUED},
    TaskImport: {"state": ImportState.QUEUED, "mode": ImportMode.WHAT_IS_GOOD},
    CampaignReplay: {"state": ReplayState.QUEUED},
}
"""What makes a row of each kind one that is to be done."""
Make = Callable[..., list[Any]]


def queue_of(bell: Bell[Any], *, at_once: int) -> Queue[Any]:
    """A bell's own queue, with another bound."""
    handing = bell.queue.paced if isinstance(bell.queue, BehindRuns) else bell.queue
    queue = handing.queue if isinstance(handing, Paced) else handing
    assert isinstance(queue, Queue)
    return replace(queue, at_once=at_once)


def named(bell: Bell[Any]) -> str:
    """A bell's kind, as tests are called."""
    waiting = queue_of(bell, at_once=1).waiting
    broadcast = any(one.waiting is waiting for one in OF_MANY)
    return bell.job + ".broadcast" * broadcast + ".again" * (waiting is lanes.RETRIES.waiting)


def key_of(row: type[Any]) -> Column[Any]:
    """The column that tells a kind's rows apart."""
    [key] = row.__table__.primary_key.columns
    found: Column[Any] = key
    return found


def anything(column: Column[Any]) -> object:
    """Some value that a column may have."""
    made: dict[type, Callable[[], object]] = {
        UUID: uuid4,
        datetime: lambda: NOON,
        timedelta: lambda: timedelta(hours=1),
        str: lambda: token_hex(4),
        bytes: lambda: token_bytes(8),
        int: lambda: 1,
        bool: lambda: False,
    }
    return made[column.type.python_type]()


@pytest.fixture
def make(owner: Engine, committed: SessionFactory) -> Make:  # noqa: ARG001  # It empties the tables.
    """Makes rows of a kind, due one second after the other; what else they name is nowhere."""

    def make(row: type[Any], count: int, **values: object) -> list[Any]:
        needed = [
            column
            for column in row.__table__.columns
            if not column.nullable and column.server_default is None and column.identity is None
        ]
        rows = [
            {column.key: anything(column) for column in needed if column.default is None}
            | WAITING[row]
            | values
            | {"due_at": NOON + timedelta(seconds=number)}
            for number in range(count)
        ]
        made = insert(row).returning(key_of(row), sort_by_parameter_order=True)
        with owner.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            return list(connection.scalars(made, rows))

    return make


@pytest.fixture(params=BELLS, ids=named)
def bell(request: pytest.FixtureRequest) -> Bell[Any]:
    """Each kind that the relay hands out."""
    found: Bell[Any] = request.param
    return found


@pytest.fixture
def waiting(bell: Bell[Any], make: Make) -> list[Any]:
    """Five rows of it, in the order in which they are due."""
    row, name = queue_of(bell, at_once=1).row, named(bell)
    if name.endswith("again"):
        return make(row, 5, reason="the push service does not answer")
    if row in set[type]((Delivery, HeldMessage)):
        return make(row, 5, broadcast=name.endswith("broadcast"))
    return make(row, 5)


def test_the_longest_due_goes_first_once_a_lease_and_few_at_once(
    committed: SessionFactory, bell: Bell[Any], waiting: list[Any]
) -> None:
    """What is put back, or falls due again, goes anew; what is done makes room for the next."""
    queue = queue_of(bell, at_once=3)

    def hand_out(at: datetime, *, limit: int = 1) -> list[Any]:
        with transaction(committed) as session:
            return queue.hand_out(session, at=at, lease=LEASE, limit=limit)

    assert [hand_out(AT) for _ in range(4)] == [[one] for one in waiting[:3]] + [[]]
    with transaction(committed) as session:
        queue.put_back(session, waiting[1:2], at=AT)
    # It fell due last; messages of the outbox keep to their order all the same.
    due = [*waiting[3:], waiting[1]] if queue.first is None else [waiting[1], *waiting[3:]]
    assert hand_out(AT) == due[:1]
    assert hand_out(AT) == []
    with transaction(committed) as session:
        session.execute(delete(queue.row).where(key_of(queue.row) == due[0]))
    assert hand_out(AT) == due[1:2]
    assert hand_out(LATER - timedelta(microseconds=1)) == []
    assert len(hand_out(LATER, limit=9)) == 3


def test_two_relays_never_hand_out_the_same(
    committed: SessionFactory, bell: Bell[Any], waiting: list[Any]
) -> None:
    """At the same moment; what somebody holds is passed over, and neither waited for nor lost."""
    queue = queue_of(bell, at_once=99)
    start, taken = Barrier(2), list[Any]()

    def relay() -> None:
        start.wait()
        for _ in range(3):
            with transaction(committed) as session:
                taken.extend(queue.hand_out(session, at=AT, lease=LEASE, limit=2))

    with committed() as holding:
        key = key_of(queue.row)
        holding.execute(select(key).where(key == waiting[0]).with_for_update())
        relays = [Thread(target=relay) for _ in range(2)]
        for thread in relays:
            thread.start()
        for thread in relays:
            thread.join()

    assert sorted(taken) == sorted(waiting[1:])
    with transaction(committed) as session:
        assert queue.hand_out(session, at=AT, lease=LEASE, limit=9) == waiting[:1]


def test_what_never_comes_back_holds_up_nobody_for_ever(
    committed: SessionFactory, bell: Bell[Any], waiting: list[Any]
) -> None:
    """What may be put off goes on each second, and all else once the leases have run out."""
    queue = queue_of(bell, at_once=2)
    is_paced = isinstance(bell.queue, Paced | BehindRuns)
    handing = Paced(queue) if is_paced else queue
    went: list[int] = []

    for later in (timedelta(), LEAST_PACE / 2, LEAST_PACE, LEASE):
        with transaction(committed) as session:
            went.append(len(handing.hand_out(session, at=AT + later, lease=LEASE, limit=2)))

    assert went == ([2, 0, 2, 2] if is_paced else [2, 0, 0, 2])
    assert len(waiting) == 5


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.row.__tablename__)
def test_work_is_one_workers_at_a_time_and_given_up_in_the_end(
    committed: SessionFactory, make: Make, work: Work[Any]
) -> None:
    """Whoever is not heard of loses it to the next; the last that may try is not followed."""
    [id_] = make(work.row, 1, attempt_count=0)
    at, begun = AT, list[Any]()

    def begin() -> Any:
        with transaction(committed) as session:
            return work.begin(session, id_, at=at)

    workers = [Thread(target=lambda: begun.append(begin())) for _ in range(2)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    [first] = [one for one in begun if one is not None]
    at += work.lease - timedelta(seconds=1)
    with transaction(committed) as session:
        work.hold(session, id_, attempt=first.attempt_count, at=at)
    at += timedelta(seconds=2)
    assert begin() is None  # The first was heard of in between.

    for attempt in range(2, work.most_attempts + 1):
        at += work.lease
        assert (begin().state, begin()) == (work.working[0], None)
        with pytest.raises(Superseded), transaction(committed) as session:
            work.hold(session, id_, attempt=attempt - 1, at=at)
    at += work.lease
    with transaction(committed) as session:
        assert work.queue.hand_out(session, at=at, lease=LEASE, limit=9) == [id_]
        given_up = work.begin(session, id_, at=at)
        assert given_up is not None
        assert (given_up.state, given_up.reason) == (work.failed, Reason.BROKE_OFF)
        session.rollback()


def test_every_job_that_is_rung_for_is_known_to_the_worker() -> None:
    """And each kind has its row in the table above."""
    app.loader.import_default_modules()

    assert {bell.job for bell in BELLS} <= set(app.tasks)
    assert {queue_of(bell, at_once=1).row for bell in BELLS} == set(WAITING)
