"""What pushes and receipts leave behind on subscriptions, and who is ended for want of them."""

from datetime import timedelta
from uuid import UUID, uuid4

from geoservices.database import SessionFactory, transaction
from geoservices.deliveries.states import ReceiptKind
from geoservices.subscriptions import queries, service
from geoservices.subscriptions.models import EndedReason, Subscription
from geoservices.subscriptions.queries import Result
from tests.factories import NOON
from tests.notifying import ACCEPTED, GONE, PUSH, THROTTLED, World, make_world, moment, offer


def test_results_of_many_subscriptions_are_one_statement(
    world: World, statements: list[str]
) -> None:
    """Accepted ones are counted, and the last failure is kept with its reason."""
    one, other, untouched = (world.subscribe() for _ in range(3))
    world.session.flush()
    statements.clear()

    queries.record_results(
        world.session,
        [
            Result(one.id, moment(2)),
            Result(one.id, moment(1)),
            Result(other.id, moment(1), "timeout"),
            Result(other.id, moment(2), "x" * 300),
            Result(other.id, moment(3)),
            Result(uuid4(), moment(1)),
        ],
    )

    assert len(statements) == 1
    world.session.expire_all()
    assert (one.accepted_unseen, one.unseen_since) == (2, moment(1))
    assert (one.last_accepted_at, one.last_failure_at) == (moment(2), None)
    assert (other.accepted_unseen, other.last_accepted_at) == (1, moment(3))
    assert (other.last_failure_at, other.last_failure_reason) == (moment(2), "x" * 200)
    assert (untouched.accepted_unseen, untouched.last_accepted_at) == (0, None)


def test_results_that_come_late_change_nothing_for_the_worse(world: World) -> None:
    """Two workers may settle in either order."""
    one = world.subscribe()
    queries.record_results(world.session, [Result(one.id, moment(9), "timeout")])
    queries.record_results(world.session, [Result(one.id, moment(8))])

    queries.record_results(
        world.session, [Result(one.id, moment(3), "throttled"), Result(one.id, moment(2))]
    )

    world.session.expire_all()
    assert (one.last_failure_at, one.last_failure_reason) == (moment(9), "timeout")
    assert (one.last_accepted_at, one.accepted_unseen) == (moment(8), 2)


def test_nothing_to_record_asks_nothing(world: World, statements: list[str]) -> None:
    """A settlement of nothing."""
    statements.clear()

    queries.record_results(world.session, [])
    queries.seen(world.session, [], at=NOON)

    assert statements == []


def test_sending_leaves_its_marks(world: World) -> None:
    """Accepted, put off, gone and acknowledged; each where it went."""
    device = world.device()
    accepted, throttled, gone = (world.subscribe(device) for _ in range(3))
    outcomes = {accepted.id: ACCEPTED, throttled.id: THROTTLED, gone.id: GONE}
    deliveries = world.notify()
    for sending in world.claim(*deliveries):
        world.settle(sending, outcomes[sending.subscription_id])
    world.session.expire_all()
    before = accepted.accepted_unseen
    [delivery] = [one for one in deliveries if one.subscription_id == accepted.id]

    world.acknowledge(delivery, ReceiptKind.DISMISSED, at=30)

    assert (before, accepted.accepted_unseen, accepted.unseen_since) == (1, 0, None)
    assert (accepted.last_accepted_at, accepted.last_shown_at) == (moment(1), moment(30))
    assert (throttled.last_failure_reason, throttled.ended_at) == ("throttled", None)
    assert (gone.last_failure_at, gone.ended_reason) == (moment(1), EndedReason.GONE)


def test_renewing_is_a_sign_of_life(world: World) -> None:
    """Somebody has opened the app there."""
    device, offered = world.device(), offer()
    one = world.subscribe(device, offered)
    queries.record_results(world.session, [Result(one.id, moment(1)), Result(one.id, moment(2))])

    same = world.subscribe(device, offered, second=9)

    assert (same.accepted_unseen, same.unseen_since) == (0, None)
    assert same.last_accepted_at == moment(2)


LATER = NOON + timedelta(days=60)


def silent(world: World, *, results: int = 5, over: timedelta = timedelta(days=14)) -> Subscription:
    """A subscription of noon, for which so many were accepted and none shown."""
    one = world.subscribe()
    first = NOON + timedelta(days=40)
    queries.record_results(
        world.session,
        [Result(one.id, first + over * number / max(results - 1, 1)) for number in range(results)],
    )
    return one


def age_out(world: World, *, limit: int = 100) -> int:
    """Run the rounds that the job does, and count what was ended."""
    after: UUID | None = None
    ended, more = 0, True
    while more:
        after, count = service.age_out(world.session, push=PUSH, at=LATER, after=after, limit=limit)
        ended += count
        more = after is not None
    world.session.flush()
    world.session.expire_all()
    return ended


def test_only_those_without_any_sign_of_life_age_out(world: World) -> None:
    """In rounds of any size, each looking at further ones."""
    dead = [silent(world) for _ in range(3)]
    seen = silent(world)
    queries.seen(world.session, [seen.id], at=LATER)
    quiet = world.subscribe()
    few, burst = silent(world, results=4), silent(world, over=timedelta(hours=1))
    renewed = silent(world)
    renewed.updated_at = NOON + timedelta(seconds=1)
    ended = silent(world)
    ended.ended_at, ended.ended_reason = NOON, EndedReason.UNSUBSCRIBED
    world.session.flush()

    counts = [age_out(world, limit=2), age_out(world)]

    assert counts == [3, 0]
    assert {one.ended_reason for one in dead} == {EndedReason.NO_SIGN_OF_LIFE}
    assert {one.ended_at for one in dead} == {LATER}
    assert [one.ended_at for one in (seen, quiet, few, burst, renewed)] == [None] * 5
    assert ended.ended_reason == EndedReason.UNSUBSCRIBED


def test_whoever_is_being_renewed_is_passed_over(committed: SessionFactory) -> None:
    """The daily look waits for nobody, and looks again the day after."""
    with transaction(committed) as session:
        one = silent(make_world(session)).id

    with transaction(committed) as holder, transaction(committed) as session:
        holder.get_one(Subscription, one, with_for_update=True)
        result = service.age_out(session, push=PUSH, at=LATER, after=None, limit=9)

    assert result == (None, 0)
