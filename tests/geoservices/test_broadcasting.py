"""Runs on real connections: two workers on one, and somebody who stops or erases meanwhile."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from queue import Empty, Queue
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from geoservices import broadcasting, clock, withdrawing
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import beginning, run_queries, running
from geoservices.campaigns.models import Decision
from geoservices.campaigns.rules import CampaignClass, Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.database import SessionFactory, make_engine, make_session_factory, transaction
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.lane_queries import GivingWay
from geoservices.deliveries.lanes import BROADCASTS
from geoservices.deliveries.models import Attempt, Delivery
from geoservices.deliveries.states import UNFINISHED, DeliveryState
from geoservices.leasing.queries import Paced
from geoservices.notifications.models import Notification
from tests import notifying
from tests.factories import NOON, make_campaign, make_person
from tests.notifying import ACCEPTED, PUSH, RECEIPT_KEY, URL
from tests.walking import SETTINGS

SOON = NOON + timedelta(minutes=1)
MANY = 500
"""As often somebody looks, at the most."""
SCANNED = "SELECT relname FROM pg_stat_xact_user_tables WHERE seq_scan > 0"


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is just past noon."""
    monkeypatch.setattr(clock, "now", lambda: SOON)


def begin(
    sessions: SessionFactory,
    people: int,
    *,
    campaign_class: CampaignClass = CampaignClass.SERVICE,
) -> UUID:
    """Have a campaign run over so many people with a browser each."""
    with transaction(sessions) as session:
        world = notifying.make_world(session)
        campaign = make_campaign(
            session,
            world.listing,
            trigger=Trigger.NOW,
            audience=Role.CITIZEN,
            campaign_class=campaign_class,
        )
        for _ in range(people - 1):
            world.subscribe(world.device(make_person(session, Purpose.NEARBY)))
        world.subscribe()
        run, _ = beginning.begin_now(
            session,
            campaign.id,
            run_id=None,
            grant=by_operator(campaign.organisation_id, Right.CAMPAIGNS_WRITE),
            smallest=10,
            at=NOON,
        )
        return run.id


def go_on(sessions: SessionFactory, run_id: UUID, *, limit: int = 5) -> None:
    """Take steps until none is left."""
    more = True
    while more:
        with transaction(sessions) as session:
            more = broadcasting.take_step(
                session, run_id, settings=SETTINGS, at=SOON, limit=limit
            ).more


def push(sessions: SessionFactory, ids: list[UUID]) -> None:
    """Claim deliveries and settle them, as a worker does; the push service takes them all."""
    with transaction(sessions) as session:
        sendings = deliveries.claim(
            session, ids, push=PUSH, public_url=URL, receipt_key=RECEIPT_KEY, at=SOON
        )
    with transaction(sessions) as session:
        results = [(sending, ACCEPTED) for sending in sendings]
        deliveries.settle(session, results, push=PUSH, at=SOON)


def at_once(*jobs: Callable[[], None]) -> None:
    """Do things at the same time."""
    start = Barrier(len(jobs))

    def do(job: Callable[[], None]) -> None:
        start.wait()
        job()

    threads = [Thread(target=do, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_several_workers_tell_nobody_twice(committed: SessionFactory) -> None:
    """Whoever finds a step taken leaves the run to whoever took it; the counts are right."""
    run_id = begin(committed, 60)

    def work() -> None:
        for _ in range(30):
            with transaction(committed) as session:
                broadcasting.take_step(session, run_id, settings=SETTINGS, at=SOON, limit=5)

    at_once(*[work] * 4)

    with transaction(committed) as session:
        run = session.get_one(CampaignRun, run_id)
        told = Counter(session.scalars(select(Notification.person_id)))
        decided = session.scalars(select(func.count()).select_from(Decision)).one()
        queued = session.scalars(select(func.count()).select_from(Delivery)).one()
    assert (run.state, run.sent, run.held) == (CampaignRunState.FINISHED, 60, 0)
    assert (len(told), set(told.values()), decided, queued) == (60, {1}, 60, 60)


def test_a_step_reads_no_whole_table(committed: SessionFactory, database_url: str) -> None:
    """As workers are connected; however much there is, it reads of those whom it is about."""
    run_id = begin(committed, 12)
    engine = make_engine(database_url, pool_size=1, by_index=True)

    with transaction(make_session_factory(engine)) as session:
        step = broadcasting.take_step(session, run_id, settings=SETTINGS, at=SOON, limit=5)
        scanned = set(session.scalars(text(SCANNED)))
    engine.dispose()

    assert len(step.sent) == 5
    assert not scanned & {"consents", "decisions", "deliveries", "devices", "notifications"}
    assert not scanned & {"people", "subscriptions"}


def test_what_is_queued_is_pushed_once_whoever_takes_it(committed: SessionFactory) -> None:
    """A relay and three workers at the same time, and none of them waits for time to pass."""
    go_on(committed, begin(committed, 20), limit=20)
    # A `SimpleQueue` may forget that it was to give up when several wait for it (CPython 3.11).
    broker = Queue[list[UUID]]()

    def left() -> int:
        unfinished = select(func.count()).where(Delivery.state.in_(UNFINISHED))
        with transaction(committed) as session:
            return session.scalars(unfinished).one()

    def relay() -> None:
        lane = GivingWay(Paced(BROADCASTS))
        for _ in range(MANY):
            with transaction(committed) as session:
                ids = lane.hand_out(session, at=SOON, lease=timedelta(seconds=30), limit=3)
            if ids:
                broker.put(ids)
            elif not left():
                return

    def work() -> None:
        for _ in range(MANY):
            with suppress(Empty):
                push(committed, broker.get(timeout=0.02))
                continue
            if not left():
                return

    at_once(relay, work, work, work)

    with transaction(committed) as session:
        attempts = Counter(session.scalars(select(Attempt.delivery_id)))
        states = Counter(session.scalars(select(Delivery.state)))
    assert (len(attempts), set(attempts.values())) == (20, {1})
    assert states == {DeliveryState.ACCEPTED: 20}


def test_whoever_dies_in_a_step_has_told_nobody(committed: SessionFactory) -> None:
    """And the next one goes on where the last whole step ended."""
    run_id = begin(committed, 12)
    with committed() as session:
        broadcasting.take_step(session, run_id, settings=SETTINGS, at=SOON, limit=5)
        session.rollback()
    with transaction(committed) as session:
        nobody = session.scalars(select(func.count()).select_from(Notification)).one()

    go_on(committed, run_id)

    with transaction(committed) as session:
        told = Counter(session.scalars(select(Notification.person_id)))
    assert nobody == 0
    assert (len(told), set(told.values())) == (12, {1})


def test_what_was_stopped_is_not_sent(committed: SessionFactory) -> None:
    """Not even what waits to be pushed, when the run was through already."""
    run_id = begin(committed, 6)
    go_on(committed, run_id)
    with transaction(committed) as session:
        run = session.get_one(CampaignRun, run_id)
        grant = by_operator(run.organisation_id, Right.CAMPAIGNS_WRITE)
        running.stop_run(session, run.campaign_id, run_id, grant=grant, at=SOON)
    with transaction(committed) as session:
        ids = session.scalars(select(Delivery.id)).all()

        sendings = deliveries.claim(
            session, ids, push=PUSH, public_url=URL, receipt_key=RECEIPT_KEY, at=SOON
        )

        session.expire_all()
        states = {(one.state, one.reason) for one in session.scalars(select(Delivery))}
    assert sendings == []
    assert states == {(DeliveryState.EXPIRED, "the run was stopped")}


def test_a_stop_meanwhile_ends_it_between_two_steps(committed: SessionFactory) -> None:
    """Whatever comes first: the counts say how many were told, and nobody is told after."""
    run_id = begin(committed, 60)

    def stop() -> None:
        with transaction(committed) as session:
            run = session.get_one(CampaignRun, run_id)
            grant = by_operator(run.organisation_id, Right.CAMPAIGNS_WRITE)
            running.stop_run(session, run.campaign_id, run_id, grant=grant, at=SOON)

    at_once(lambda: go_on(committed, run_id), stop)

    with transaction(committed) as session:
        run = session.get_one(CampaignRun, run_id)
        told = len(session.scalars(select(Notification.id)).all())
    assert (run.state, run.sent) == (CampaignRunState.STOPPED, told)


def test_people_erased_meanwhile_stop_nothing(committed: SessionFactory) -> None:
    """Neither of the two waits for the other for ever."""
    run_id = begin(committed, 40)
    with transaction(committed) as session:
        doomed = session.scalars(select(Person.id).order_by(Person.id.desc()).limit(10)).all()

    def erase() -> None:
        for person_id in doomed:
            with transaction(committed) as session:
                session.delete(session.get_one(Person, person_id, with_for_update=True))

    at_once(lambda: go_on(committed, run_id), erase)

    with transaction(committed) as session:
        run = session.get_one(CampaignRun, run_id)
        told = set(session.scalars(select(Decision.person_id)))
    assert run.state == CampaignRunState.FINISHED
    assert run.sent >= 30
    assert told.isdisjoint(doomed)


def test_nothing_is_decided_about_whoever_withdraws_meanwhile(committed: SessionFactory) -> None:
    """What they withdrew erases what was decided about them, and nothing comes after that."""
    run_id = begin(committed, 3)

    with committed() as session:
        person = session.scalars(select(Person).limit(1)).one()
        withdrawing.withdraw_consent(session, person, Purpose.NEARBY, at=SOON)
        worker = Thread(target=lambda: go_on(committed, run_id))
        worker.start()
        worker.join(timeout=0.5)
        session.commit()
        worker.join()

    with transaction(committed) as session:
        about = set(session.scalars(select(Decision.person_id)))
    assert len(about) == 2
    assert person.id not in about


@pytest.mark.parametrize(
    ("campaign_class", "broadcast"),
    [(CampaignClass.SERVICE, True), (CampaignClass.OFFER, True), (CampaignClass.CRITICAL, False)],
)
def test_what_is_critical_gives_way_to_nothing(
    committed: SessionFactory,
    campaign_class: CampaignClass,
    broadcast: bool,  # noqa: FBT001  # It is a parameter of the test's.
) -> None:
    """All else does."""
    run_id = begin(committed, 2, campaign_class=campaign_class)

    go_on(committed, run_id)

    with transaction(committed) as session:
        assert set(session.scalars(select(Delivery.broadcast))) == {broadcast}


def test_few_runs_are_gone_through_at_a_time(committed: SessionFactory) -> None:
    """Those that waited longest come first; one that gives way comes last."""
    ids = [begin(committed, 1)]
    with transaction(committed) as session:
        run = session.get_one(CampaignRun, ids[0])
        columns = CampaignRun.__table__.columns.keys()
        for minute in (1, 2):
            told = {name: getattr(run, name) for name in columns}
            due_at = NOON + timedelta(seconds=minute)
            other = CampaignRun(**{**told, "id": UUID(int=minute), "due_at": due_at})
            session.add(other)
            ids.append(other.id)
    lease = running.LEASE

    with transaction(committed) as session:
        first = run_queries.DUE.hand_out(session, at=SOON, lease=lease, limit=1)
        second = run_queries.DUE.hand_out(session, at=SOON, lease=lease, limit=1)
        third = run_queries.DUE.hand_out(session, at=SOON, lease=lease, limit=1)
        running.give_way(session, first[0], at=SOON)
        fourth = run_queries.DUE.hand_out(session, at=SOON, lease=lease, limit=1)
        fifth = run_queries.DUE.hand_out(session, at=SOON + lease, lease=lease, limit=9)

    assert [first, second, third, fourth] == [[ids[0]], [ids[1]], [], [ids[2]]]
    assert set(fifth) <= set(ids)


def test_critical_runs_come_before_others(committed: SessionFactory) -> None:
    """However long these have waited; once none is due, the others go on."""
    with transaction(committed) as session:
        listing = notifying.make_world(session).listing
        grant = by_operator(listing.organisation_id, Right.CAMPAIGNS_WRITE)
        usual, critical = (
            beginning.begin_now(
                session,
                make_campaign(
                    session, listing, trigger=Trigger.NOW, campaign_class=campaign_class
                ).id,
                run_id=None,
                grant=grant,
                smallest=10,
                at=at,
            )[0].id
            for campaign_class, at in (
                (CampaignClass.SERVICE, NOON),
                (CampaignClass.CRITICAL, SOON),
            )
        )

    with transaction(committed) as session:
        first = run_queries.DUE.hand_out(session, at=SOON, lease=running.LEASE, limit=2)
        second = run_queries.DUE.hand_out(session, at=SOON, lease=running.LEASE, limit=1)

    assert (first, second) == ([critical], [usual])


def test_steps_take_as_many_statements_for_few_as_for_many(
    committed: SessionFactory, statements: list[str]
) -> None:
    """However many are told; only the first counts how many people there are."""
    run_id = begin(committed, 41)
    with transaction(committed) as session:
        broadcasting.take_step(session, run_id, settings=SETTINGS, at=SOON, limit=1)
    counts = []
    for limit in (3, 30):
        statements.clear()
        with transaction(committed) as session:
            broadcasting.take_step(session, run_id, settings=SETTINGS, at=SOON, limit=limit)
        counts.append(len(statements))

    assert counts[0] == counts[1]
