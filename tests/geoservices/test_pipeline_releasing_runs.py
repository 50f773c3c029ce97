"""What a gate held back in a run waits as well, and is told once, or not any more."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import broadcasting, outbox, pipeline
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import beginning, running, waiting_lanes
from geoservices.campaigns.definitions import AfterHolding, Audience, PlaceSet, Schedule
from geoservices.campaigns.models import Campaign, CampaignVersion, Decision, HeldMessage
from geoservices.campaigns.rules import CampaignClass, Gate, Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.campaigns.windows import WEEK, Window
from geoservices.deliveries.models import Delivery
from geoservices.explanations import service as explanations
from geoservices.leasing.queries import Paced
from geoservices.listings.models import Listing, ListingKind
from geoservices.listings.service import withdraw_listing
from geoservices.notifications.models import NewNotification
from geoservices.outbox import OutboxMessage
from geoservices.subscriptions import service as subscriptions
from tests.campaigning import World, make_world
from tests.factories import (
    NOON,
    make_device,
    make_listing,
    make_organisation,
    make_person,
    may,
    share_place,
)
from tests.notifying import KEY, PUSH, offer
from tests.walking import SETTINGS

CITIZENS = Audience(roles=(Role.CITIZEN,))
EVENING = datetime(2026, 3, 28, 23, tzinfo=UTC)
MORNING = datetime(2026, 3, 29, 6, tzinfo=UTC)
"""Seven by British clocks, which go forward that night."""


@pytest.fixture
def world(session: Session) -> World:
    """A library."""
    return make_world(session)


@pytest.fixture
def sleeper(world: World) -> Person:
    """A citizen with a browser who is not to be disturbed at night."""
    person = make_person(world.session, Purpose.NEARBY)
    person.time_zone = "Europe/London"
    person.quiet_from, person.quiet_until = time(22), time(7)
    device, _ = make_device(world.session, person)
    subscriptions.subscribe(
        world.session, device_id=device.id, offered=offer(), current_key=KEY, push=PUSH, at=NOON
    )
    return person


def campaign(world: World, trigger: Trigger = Trigger.EVENT_PUBLISHED, **changes: Any) -> Campaign:
    """A campaign for citizens that releases what was held back."""
    said = {"audience": CITIZENS, "after_holding": AfterHolding.RELEASE, "title": "{listing}"}
    return world.campaign(**{"trigger": trigger, **said, **changes})


def publish(world: World, title: str = "Story time", **changes: Any) -> Listing:
    """Publish an event at eleven in the evening, and have its runs begin and end."""
    event = make_listing(world.session, world.place, kind=ListingKind.EVENT, title=title)
    event.created_at, event.starts_at = EVENING, EVENING + timedelta(days=3)
    for name, value in changes.items():
        setattr(event, name, value)
    world.session.flush()
    outbox.publish(world.session, outbox.Topic.LISTING_PUBLISHED, [event.id])
    ids = list(world.session.scalars(select(OutboxMessage.id)))
    pipeline.decide(world.session, ids, settings=SETTINGS, at=EVENING)
    go_through(world, at=EVENING)
    return event


def go_through(world: World, *, at: datetime) -> None:
    """Go through all runs that have begun."""
    under_way = CampaignRun.state == CampaignRunState.UNDER_WAY
    for run_id in world.session.scalars(select(CampaignRun.id).where(under_way)).all():
        broadcasting.take_step(world.session, run_id, settings=SETTINGS, at=at)
    world.session.flush()


def release(world: World, at: datetime) -> list[NewNotification]:
    """Hand out what is due of runs, and look at it."""
    lane, lease = Paced(waiting_lanes.BROADCASTS), timedelta(seconds=30)
    ids = lane.hand_out(world.session, at=at, lease=lease, limit=waiting_lanes.A_JOB)
    world.session.expire_all()
    return pipeline.release(world.session, ids, settings=SETTINGS, at=at)


def chain(session: Session) -> list[tuple[str | None, datetime | None]]:
    """What was decided, in order: the gate, and until when it waits."""
    rows = session.scalars(select(Decision).order_by(Decision.decided_at, Decision.follows_id))
    return [(one.gate, one.waits_until) for one in rows]


def counted(world: World) -> tuple[str, int, int]:
    """Where the one run stands, and how many it told and not."""
    world.session.expire_all()
    run = world.session.scalars(select(CampaignRun)).one()
    return run.state, run.sent, run.held


def test_what_is_published_at_night_is_told_in_the_morning(world: World, sleeper: Person) -> None:
    """By the clock they live by, also in the night in which that goes forward; behind singles."""
    campaign(world)
    event = publish(world)
    before = counted(world)
    early = release(world, MORNING - timedelta(microseconds=1))

    [told] = release(world, MORNING)

    first, second = world.session.scalars(select(Decision).order_by(Decision.decided_at)).all()
    assert (before, early) == (("finished", 0, 1), [])
    assert chain(world.session) == [(Gate.QUIET_HOURS, MORNING), (None, None)]
    assert (second.follows_id, second.run_id) == (first.id, first.run_id)
    assert Gate.AGE not in second.gates_passed
    assert (told.person_id, told.listing_id, told.title) == (sleeper.id, event.id, "Story time")
    assert counted(world) == ("finished", 1, 0)
    [delivery] = world.session.scalars(select(Delivery)).all()
    assert delivery.broadcast
    assert world.session.scalars(select(HeldMessage)).all() == []
    why = explanations.explain(world.session, [second.id])[second.id].in_words
    assert (
        "because an event at Exeter Library was published on 28 March 2026 at 23:00. It was held "
        "back on 28 March 2026 at 23:00 until 29 March 2026 at 07:00, because of your quiet hours."
    ) in why


def stop(world: World, made: Campaign, _event: Listing) -> None:
    """Somebody stops the run."""
    grant = may(world.organisation, Right.CAMPAIGNS_WRITE)
    run_id = world.session.scalars(select(CampaignRun.id)).one()
    running.stop_run(world.session, made.id, run_id, grant=grant, at=EVENING)


def end(_world: World, made: Campaign, _event: Listing) -> None:
    """The campaign is ended."""
    made.ended_at = EVENING


def withdraw(world: World, _made: Campaign, event: Listing) -> None:
    """The event is off."""
    grant = may(world.organisation, Right.LISTINGS_WRITE)
    withdraw_listing(world.session, event.id, grant=grant, at=EVENING)


def bring_forward(_world: World, _made: Campaign, event: Listing) -> None:
    """It is held at night instead, and over by the morning."""
    event.starts_at, event.ends_at = EVENING, EVENING + timedelta(hours=2)


def change_words(world: World, made: Campaign, _event: Listing) -> None:
    """The campaign is for others from now on."""
    version = world.session.get_one(CampaignVersion, (made.id, 1))
    version.in_force_until = EVENING


@pytest.mark.parametrize(
    ("happens", "gate"),
    [
        (stop, Gate.RELEVANCE),
        (end, Gate.RELEVANCE),
        (withdraw, Gate.CLAIMABLE),
        (bring_forward, Gate.CLAIMABLE),
        (change_words, None),
    ],
)
@pytest.mark.usefixtures("sleeper")
def test_every_gate_is_asked_again(
    world: World, happens: Callable[[World, Campaign, Listing], None], gate: Gate | None
) -> None:
    """A run that was stopped tells nobody more; one of an earlier version goes on by that."""
    made = campaign(world)
    event = publish(world)
    happens(world, made, event)
    world.session.flush()

    told = release(world, MORNING)

    assert chain(world.session)[1] == (gate, None)
    assert len(told) == (gate is None)
    assert world.session.scalars(select(HeldMessage)).all() == []


@pytest.mark.usefixtures("sleeper")
def test_nobody_is_told_that_late(world: World) -> None:
    """Where nobody was there to release it for longer than anything may wait."""
    campaign(world)
    publish(world)

    assert release(world, EVENING + SETTINGS.campaigns.longest_wait) == []
    assert chain(world.session)[-1] == (Gate.RELEVANCE, None)


@pytest.mark.usefixtures("sleeper")
def test_of_each_event_one_message_waits(world: World) -> None:
    """And all that is released to somebody at once is one push, of whatever runs."""
    campaign(world, cooldown=timedelta(0))
    publish(world)
    publish(world, "Knitting")

    told = release(world, MORNING)

    pushes = world.session.scalars(select(Delivery)).all()
    assert sorted(one.title for one in told) == ["Knitting", "Story time"]
    assert [one.broadcast for one in pushes] == [True]


@pytest.mark.usefixtures("sleeper")
def test_of_many_runs_that_say_the_same_one_waits(world: World) -> None:
    """Also of a campaign that is about no place; nobody is told five times in the morning."""
    made = campaign(world, Trigger.NOW, cooldown=timedelta(0), title="Closed")
    made.listing_id = None
    world.session.flush()
    for minute in range(2):
        run, _ = beginning.begin_now(
            world.session,
            made.id,
            run_id=None,
            grant=may(world.organisation, Right.CAMPAIGNS_WRITE),
            smallest=10,
            at=EVENING + timedelta(hours=minute),
        )
        assert run.place_id is None
        go_through(world, at=EVENING + timedelta(hours=minute))

    [told] = release(world, MORNING)

    assert told.title == "Closed"
    assert chain(world.session) == [
        (Gate.QUIET_HOURS, MORNING),
        (Gate.QUIET_HOURS, None),
        (None, None),
    ]


@pytest.mark.parametrize(("ended_at", "gate"), [(None, None), (EVENING, Gate.RELEVANCE)])
@pytest.mark.usefixtures("sleeper")
def test_nobody_is_told_of_a_place_that_is_shared_no_more(
    world: World, ended_at: datetime | None, gate: Gate | None
) -> None:
    """A partner's campaign for it had messages wait; while it is shared they are told."""
    partner = make_organisation(world.session, slug="partner")
    share = share_place(world.session, world.place, partner)
    made = campaign(world, Trigger.NOW, places=PlaceSet(ids=(world.place.id,)), title="Closed")
    made.listing_id, made.organisation_id = None, partner.id
    world.session.flush()
    run, _ = beginning.begin_now(
        world.session,
        made.id,
        run_id=None,
        grant=may(partner, Right.CAMPAIGNS_WRITE),
        smallest=10,
        at=EVENING,
    )
    go_through(world, at=EVENING)
    share.ended_at = ended_at
    world.session.flush()

    told = release(world, MORNING)

    assert run.place_id == world.place.id
    assert chain(world.session)[1] == (gate, None)
    assert len(told) == (gate is None)


@pytest.mark.parametrize("critical", [False, True])
def test_staff_are_told_when_they_work_again(world: World, *, critical: bool) -> None:
    """By their own clock; what is critical waits for no working hours, but for its own windows."""
    member = make_person(world.session, Purpose.STAFF_TASKS, organisation=world.organisation)
    member.time_zone, member.working_hours = "Europe/London", "Mo-Su 13:00-17:00"
    window = Window(days=WEEK, from_=time(12, 30), until=time(17))
    made = campaign(
        world,
        Trigger.NOW,
        audience=Audience(roles=(Role.STAFF,)),
        purpose=Purpose.STAFF_TASKS,
        campaign_class=CampaignClass.CRITICAL if critical else CampaignClass.SERVICE,
        schedule=Schedule(windows=(window,)) if critical else Schedule(),
    )
    beginning.begin_now(
        world.session,
        made.id,
        run_id=uuid4(),
        grant=may(world.organisation, Right.CAMPAIGNS_WRITE),
        smallest=10,
        at=NOON,
    )
    go_through(world, at=NOON)
    [row] = world.session.scalars(select(HeldMessage)).all()

    gate = Gate.SCHEDULE if critical else Gate.WORKING_HOURS
    due = NOON + timedelta(minutes=30 if critical else 60)
    assert (row.broadcast, row.due_at) == (not critical, due)
    assert len(pipeline.release(world.session, _ids(world), settings=SETTINGS, at=due)) == 1
    assert chain(world.session) == [(gate, due), (None, None)]


def _ids(world: World) -> list[UUID]:
    return list(world.session.scalars(select(HeldMessage.decision_id)))
