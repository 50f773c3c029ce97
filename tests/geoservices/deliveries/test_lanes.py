"""What goes to many gives way to what goes to one, and goes out all the same."""

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.lane_queries import BehindRuns
from geoservices.deliveries.lanes import BROADCASTS, RETRIES, SINGLES
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.leasing.queries import LEAST_PACE, Paced, Queue
from geoservices.notifications import service as notifications
from tests.factories import NOON
from tests.notifying import THROTTLED, World, moment

LEASE = timedelta(seconds=30)
FEW: Final = replace(BROADCASTS, at_once=4)
"""Four deliveries of broadcasts are under way at most."""


def tell(world: World, count: int, *, broadcast: bool) -> None:
    """Tell one person so many things."""
    sent = [world.decision() for _ in range(count)]
    made = notifications.write(world.session, sent, at=moment(0))
    deliveries.enqueue(world.session, made, broadcast=broadcast, at=moment(0))


def hand_out(
    world: World, lane: Queue[UUID] | Paced[UUID] | BehindRuns, *, second: float, limit: int = 2
) -> list[UUID]:
    """Hand out of a lane so long past noon."""
    return lane.hand_out(world.session, at=moment(second), lease=LEASE, limit=limit)


def begin_run(world: World) -> CampaignRun:
    """Have the campaign go through people."""
    run = CampaignRun(
        organisation_id=world.campaign.organisation_id,
        campaign_id=world.campaign.id,
        version=1,
        trigger=Trigger.NOW,
        occurred_at=NOON,
        created_at=NOON,
        state=CampaignRunState.UNDER_WAY,
        due_at=NOON,
    )
    world.session.add(run)
    world.session.flush()
    return run


def finish(session: Session, ids: list[UUID]) -> None:
    """Have deliveries be sent."""
    session.execute(
        update(Delivery).where(Delivery.id.in_(ids)).values(state=DeliveryState.ACCEPTED)
    )


def test_each_lane_has_its_own(world: World) -> None:
    """Whatever is due in the other."""
    world.subscribe()
    tell(world, 3, broadcast=True)
    tell(world, 1, broadcast=False)

    single = hand_out(world, SINGLES, second=1, limit=9)
    broadcast = hand_out(world, Paced(FEW), second=1, limit=9)

    assert (len(single), len(broadcast)) == (1, 3)
    assert set(single).isdisjoint(broadcast)


def test_few_of_a_broadcast_are_under_way_at_a_time(world: World) -> None:
    """The next go out as soon as some are done; one by itself is never held up."""
    world.subscribe()
    tell(world, 9, broadcast=True)
    lane = Paced(FEW)

    first, second, third = (hand_out(world, lane, second=0.1 * number) for number in range(3))
    tell(world, 1, broadcast=False)
    alone = hand_out(world, SINGLES, second=0.4)
    finish(world.session, first)
    after = hand_out(world, lane, second=0.5)

    assert [len(one) for one in (first, second, third, alone, after)] == [2, 2, 0, 1, 2]


def test_what_never_comes_back_holds_up_nobody_for_ever(world: World) -> None:
    """Some go out each second, even if workers have died or a push service puts all off."""
    world.subscribe()
    tell(world, 9, broadcast=True)
    lane = Paced(FEW)
    for second in (0, 0.1):
        hand_out(world, lane, second=second)

    paces = [
        len(hand_out(world, lane, second=0.2 + number * LEAST_PACE.total_seconds()))
        for number in range(1, 3)
    ]

    assert paces == [2, 2]


def test_those_whom_a_run_still_goes_through_are_queued_first(world: World) -> None:
    """Some go out each second at most, once a worker has those before; all when it is through."""
    world.subscribe()
    tell(world, 9, broadcast=True)
    run = begin_run(world)
    lane = BehindRuns(Paced(BROADCASTS))

    first, at_the_broker = (hand_out(world, lane, second=second) for second in (0, 1))
    finish(world.session, first)
    later, soon = (hand_out(world, lane, second=second) for second in (1.1, 1.2))
    run.state, run.ended_at = CampaignRunState.FINISHED, NOON
    world.session.flush()
    after = hand_out(world, lane, second=1.3)

    assert [len(one) for one in (first, at_the_broker, later, soon, after)] == [2, 0, 2, 0, 2]


def test_a_push_service_that_is_closed_holds_up_no_other(world: World) -> None:
    """What it is to take is put off, with nothing tried; while a run goes on, others go out."""
    world.subscribe()
    tell(world, 9, broadcast=True)
    begin_run(world)
    lane = BehindRuns(Paced(BROADCASTS))
    first = hand_out(world, lane, second=0)
    put_off = {"reason": "the push service does not answer", "due_at": moment(300)}
    world.session.execute(update(Delivery).where(Delivery.id.in_(first)).values(put_off))

    assert len(hand_out(world, lane, second=1)) == 2


def test_what_is_put_off_over_and_over_holds_up_nothing_new(world: World) -> None:
    """However much a closed push service keeps putting off for some seconds each time."""
    world.subscribe()
    again = Paced(replace(RETRIES, at_once=4))
    tell(world, 6, broadcast=False)
    closed = {"reason": "the push service does not answer", "due_at": moment(20)}
    world.session.execute(update(Delivery).values(closed))
    tell(world, 3, broadcast=False)

    new = hand_out(world, replace(SINGLES, at_once=4), second=1, limit=4)
    early, first, soon, later = (hand_out(world, again, second=one) for one in (1, 21, 21.1, 22.1))

    assert [len(one) for one in (new, early, first, soon, later)] == [3, 0, 2, 2, 2]


def test_what_is_tried_again_stays_in_its_lane(world: World) -> None:
    """A push service that was away for long has a crowd come back at once."""
    world.subscribe()
    tell(world, 1, broadcast=True)
    [delivery] = world.session.query(Delivery).all()
    [sending] = world.claim(delivery)
    world.settle(sending, THROTTLED)

    assert hand_out(world, SINGLES, second=181) + hand_out(world, RETRIES, second=181) == []
    assert hand_out(world, Paced(FEW), second=181) == [delivery.id]


def test_what_could_not_be_handed_over_is_put_back(world: World) -> None:
    """The broker was away."""
    world.subscribe()
    tell(world, 2, broadcast=True)
    lane = Paced(FEW)
    ids = hand_out(world, lane, second=0)

    lane.put_back(world.session, ids, at=moment(0))

    assert set(hand_out(world, lane, second=2)) == set(ids)
