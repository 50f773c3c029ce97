"""What one person is told at one moment is one push, and stays several in the inbox."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import time

import pytest
from sqlalchemy import select, update

from geoservices import pipeline
from geoservices.accounts.models import Organisation, Purpose
from geoservices.campaigns.definitions import AfterHolding, Channel
from geoservices.campaigns.models import Campaign, HeldMessage
from geoservices.campaigns.rules import CampaignClass, Trigger
from geoservices.channels.service import Choice
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import receipts
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.receipts import ReceiptReport, receipt_key, receipt_keys
from geoservices.deliveries.service import Sending
from geoservices.deliveries.states import DeliveryState, ReceiptKind
from geoservices.deliveries.tokens import make_token
from geoservices.listings.models import Listing, ListingKind
from geoservices.notifications import queries as inbox
from geoservices.notifications.folders import Folder
from geoservices.notifications.models import Notification, NotificationKind
from tests.factories import (
    make_campaign,
    make_device,
    make_geofence,
    make_listing,
    make_person,
    make_place,
)
from tests.walking import INSIDE, SETTINGS, World, make_world, moment, ping, subscribe

TITLES = ["Meter reading", "Broken lamp", "Boiler"]
BUNDLE = NotificationKind.BUNDLE
EVENING = 3600.0


def campaigns(world: World, *titles: str, **changes: object) -> list[Campaign]:
    """A campaign for each of so many things at the library."""
    return [
        make_campaign(
            world.session,
            make_listing(world.session, world.place, title=title),
            **changes,  # type: ignore[arg-type]
        )
        for title in titles or TITLES
    ]


def comes(world: World) -> list[Notification]:
    """Have the citizen, whose phone may be pushed to, come to the library."""
    subscribe(world)
    world.walk(ping(0, INSIDE))
    return world.decide()


def again(world: World, title: str, second: float) -> None:
    """Have them check in so many seconds later, and be told of one thing more."""
    campaigns(world, title, trigger=Trigger.CHECKED_IN)
    world.check_in()
    [told] = world.decide(second)
    assert told.title == title


def claimed(world: World, *, at: float = 2) -> list[Sending]:
    """Claim whatever is on its way."""
    world.session.flush()
    sendings = deliveries.claim(
        world.session,
        world.session.scalars(select(Delivery.id)).all(),
        push=SETTINGS.push,
        public_url="https://council.example",
        receipt_key=receipt_key(SETTINGS),
        at=moment(at),
    )
    world.session.expire_all()
    return sendings


def said(sending: Sending) -> dict[str, str]:
    """What a push shows."""
    shown: dict[str, str] = json.loads(sending.envelope.payload)["notification"]
    return shown


def bundles(world: World) -> list[Notification]:
    """The bundles there are."""
    found = select(Notification).where(Notification.kind == BUNDLE)
    return list(world.session.scalars(found))


def in_inbox(world: World, folder: Folder = Folder.INBOX) -> list[Notification]:
    """What the person sees."""
    return list(
        inbox.notifications_of(
            world.session, world.person.id, folder=folder, at=moment(9), after=None, limit=99
        )
    )


def test_three_tasks_at_one_building_are_one_push(world: World) -> None:
    """The inbox keeps each with its own decision and listing; the push opens all of them."""
    campaigns(world)

    made = comes(world)
    [sending] = claimed(world)

    [bundle] = bundles(world)
    assert len(made) == 3
    assert len({one.decision_id for one in made}) == len({one.listing_id for one in made}) == 3
    assert {one.bundle_id for one in made} == {bundle.id}
    assert said(sending)["title"] == "3 things at Exeter Library"
    assert sorted(said(sending)["body"].splitlines()) == sorted(TITLES)
    assert said(sending)["navigate"] == f"https://council.example/notifications/{bundle.id}"
    assert sending.envelope.topic == bundle.id.hex
    assert (bundle.title, bundle.body) == ("", "")


def test_a_bundle_is_no_item_of_the_inbox(world: World) -> None:
    """It is in no folder, never unread, and cannot be put anywhere."""
    campaigns(world)
    made = comes(world)
    [bundle] = bundles(world)

    for folder in (Folder.INBOX, Folder.ALL):
        assert {one.id for one in in_inbox(world, folder)} == {one.id for one in made}
    assert inbox.count_unread(world.session, world.person.id, at=moment(9)) == 3
    assert inbox.lock_notification(world.session, bundle.id, person_id=world.person.id) is None
    inbox.mark_all_read(world.session, world.person.id, at=moment(9))
    world.session.expire_all()
    assert bundle.read_at is None
    assert inbox.count_unread(world.session, world.person.id, at=moment(9)) == 0


def test_a_push_about_one_task_opens_the_task(world: World) -> None:
    """Alone, or as what is left of several; with others it opens what tells of all of them."""
    tasks = [
        make_listing(world.session, world.place, title=title, kind=ListingKind.TASK)
        for title in ("Boiler", "Lamp")
    ]
    boiler, lamp = [make_campaign(world.session, task) for task in tasks]
    comes(world)
    [of_two] = claimed(world)
    end(world, boiler)
    world.session.execute(update(Delivery).values(state="queued", leased_until=None))
    [of_one] = claimed(world)
    world.session.execute(update(Notification).values(bundle_id=None))
    world.session.execute(
        update(Delivery).values(
            state="queued",
            leased_until=None,
            notification_id=select(Notification.id)
            .where(Notification.listing_id == lamp.listing_id)
            .scalar_subquery(),
        )
    )
    [alone] = claimed(world)

    assert "/notifications/" in said(of_two)["navigate"]
    leads = f"https://council.example/tasks/{lamp.listing_id}"
    assert [said(one)["navigate"] for one in (of_one, alone)] == [leads, leads]


def test_one_message_is_no_bundle(world: World) -> None:
    """It is pushed as it always was."""
    campaigns(world, "Boiler")

    comes(world)
    [sending] = claimed(world)

    assert bundles(world) == []
    assert said(sending)["title"] == "Boiler"


def test_a_bundle_speaks_the_language_of_its_person(world: World) -> None:
    """Or the organisation's, of whoever chose none."""
    campaigns(world)
    comes(world)
    world.session.execute(update(Organisation).values(language="cy"))

    [sending] = claimed(world)

    assert said(sending)["title"] == "3 o bethau yn Exeter Library"


def test_what_comes_of_two_places_at_once_is_two_pushes(world: World) -> None:
    """Each says where."""
    other = make_place(world.session, world.organisation, name="Barnstaple Library")
    make_geofence(world.session, other)
    campaigns(world)
    for title in TITLES:
        make_campaign(world.session, make_listing(world.session, other, title=title))

    comes(world)

    titles = {said(one)["title"] for one in claimed(world)}
    assert titles == {"3 things at Exeter Library", "3 things at Barnstaple Library"}


def test_what_is_critical_is_never_part_of_anything_less_urgent(world: World) -> None:
    """It is pushed by itself; the rest is as urgent as the most urgent of it."""
    campaigns(world, "Evacuate", campaign_class=CampaignClass.CRITICAL)
    campaigns(world, "Tea", "Cake", campaign_class=CampaignClass.OFFER)
    campaigns(world, "Meter", campaign_class=CampaignClass.SERVICE)

    comes(world)
    sent = {said(one)["title"]: one.envelope.urgency for one in claimed(world)}

    assert sent == {"Evacuate": "high", "3 things at Exeter Library": "high"}
    [bundle] = bundles(world)
    assert bundle.campaign_class == CampaignClass.SERVICE


def test_offers_alone_are_no_more_urgent_together(world: World) -> None:
    """They may wait until the phone wakes up."""
    campaigns(world, campaign_class=CampaignClass.OFFER)

    comes(world)

    assert [one.envelope.urgency for one in claimed(world)] == ["normal"]


def test_a_bundle_is_no_more_urgent_than_what_is_left_in_it(world: World) -> None:
    """The task among the offers was withdrawn before it left."""
    [task] = campaigns(world, "Meter", campaign_class=CampaignClass.SERVICE)
    campaigns(world, "Tea", "Cake", campaign_class=CampaignClass.OFFER)
    comes(world)
    withdraw_listing(world, task)

    assert [one.envelope.urgency for one in claimed(world)] == ["normal"]


@pytest.mark.parametrize("count", [1, 2])
def test_what_comes_before_the_push_has_left_is_in_it(world: World, count: int) -> None:
    """Of another job, seconds later, about the same place: one push, at once, however many came."""
    campaigns(world, *TITLES[:count])
    comes(world)
    again(world, "Fuse", 3)
    again(world, "Leak", 4)

    [sending] = claimed(world, at=5)

    assert said(sending)["title"] == f"{count + 2} things at Exeter Library"
    assert said(sending)["body"].splitlines()[-2:] == ["Fuse", "Leak"]
    [delivery] = world.session.scalars(select(Delivery)).all()
    [bundle] = bundles(world)
    assert (delivery.notification_id, delivery.expires_at) == (bundle.id, bundle.expires_at)
    assert {one.bundle_id for one in in_inbox(world)} == {bundle.id}


def test_what_comes_later_than_the_push_is_another(world: World) -> None:
    """Nor is anything less urgent added to what is critical."""
    campaigns(world, "Evacuate", campaign_class=CampaignClass.CRITICAL)
    comes(world)
    again(world, "Fuse", 3)
    first = claimed(world, at=4)
    again(world, "Leak", 5)

    assert sorted(said(one)["title"] for one in first) == ["Evacuate", "Fuse"]
    assert [said(one)["title"] for one in claimed(world, at=6)] == ["Leak"]
    assert bundles(world) == []


def test_what_is_being_sent_takes_nothing_in(committed: SessionFactory) -> None:
    """Whoever sends it has it locked, and is not waited for: the later message is another push."""
    with transaction(committed) as session:
        world = make_world(session)
        campaigns(world, "Tea")
        comes(world)
    with committed() as sending, transaction(committed) as session:
        now = replace(world, session=sending, person=sending.merge(world.person))
        assert [said(one)["title"] for one in claimed(now)] == ["Tea"]
        then = replace(
            world,
            session=session,
            **{name: session.merge(getattr(world, name)) for name in ("place", "device", "person")},
        )
        again(then, "Fuse", 3)
        sending.commit()
    with transaction(committed) as session:
        assert session.scalars(select(Notification.bundle_id)).all() == [None, None]
        assert len(session.scalars(select(Delivery.id)).all()) == 2


def test_only_what_is_to_be_pushed_is_bundled(world: World) -> None:
    """What a campaign wants in the inbox alone is there alone."""
    campaigns(world, "Quiet", channel=Channel.INBOX)
    campaigns(world, "Tea", "Cake")

    made = comes(world)
    [sending] = claimed(world)

    assert said(sending)["title"] == "2 things at Exeter Library"
    assert [one.title for one in made if one.bundle_id is None] == ["Quiet"]


def test_who_wants_no_push_for_a_purpose_gets_none_of_it_in_a_bundle(world: World) -> None:
    """Neither before nor after it was bundled."""
    campaigns(world)
    pipeline.choose_channels(
        world.session,
        world.person,
        Choice(purpose=Purpose.NEARBY, push=False, email=False),
        settings=SETTINGS,
    )
    comes(world)

    assert bundles(world) == []
    assert claimed(world) == []


def test_switching_push_off_ends_a_bundle_that_waits(world: World) -> None:
    """There is nothing left in it that may be pushed."""
    campaigns(world)
    comes(world)
    pipeline.choose_channels(
        world.session,
        world.person,
        Choice(purpose=Purpose.NEARBY, push=False, email=False),
        settings=SETTINGS,
    )

    assert claimed(world) == []
    [delivery] = world.session.scalars(select(Delivery))
    assert (delivery.state, delivery.reason) == (
        DeliveryState.EXPIRED,
        "nothing of what it would tell is left",
    )


def test_without_a_browser_nothing_is_bundled(world: World) -> None:
    """A bundle is nothing but a push."""
    campaigns(world)
    world.walk(ping(0, INSIDE))

    assert len(world.decide()) == 3
    assert bundles(world) == []


def withdraw_listing(world: World, made: Campaign) -> None:
    """What one of them speaks of is withdrawn."""
    world.session.get_one(Listing, made.listing_id).withdrawn_at = moment(1)


def end(_world: World, made: Campaign) -> None:
    """One campaign is ended."""
    made.ended_at = moment(1)


def expire(world: World, made: Campaign) -> None:
    """One of them is over."""
    told = select(Notification).where(Notification.listing_id == made.listing_id)
    world.session.scalars(told).one().expires_at = moment(1.5)


@pytest.mark.parametrize("happens", [withdraw_listing, end, expire])
def test_a_bundle_says_what_still_holds_when_it_is_sent(
    world: World, happens: Callable[[World, Campaign], None]
) -> None:
    """Two are left of three, then one, which is then what it opens; and then none is sent."""
    one, two, three = campaigns(world)
    comes(world)
    happens(world, one)
    [of_two] = claimed(world)
    happens(world, two)
    world.session.execute(update(Delivery).values(state="queued", leased_until=None))
    [of_one] = claimed(world)
    happens(world, three)
    world.session.execute(update(Delivery).values(state="queued", leased_until=None))
    of_none = claimed(world)

    last = select(Notification.id).where(Notification.listing_id == three.listing_id)
    assert said(of_two)["title"] == "2 things at Exeter Library"
    assert said(of_one)["title"] == "Boiler"
    assert said(of_one)["navigate"].endswith(f"/{world.session.scalars(last).one()}")
    assert of_two.envelope.topic == of_one.envelope.topic
    assert of_none == []
    assert world.session.scalars(select(Delivery.state)).all() == [DeliveryState.EXPIRED]


def test_withdrawing_a_consent_takes_its_messages_out_of_the_bundle(world: World) -> None:
    """What was bundled for another purpose is still pushed, and nothing else."""
    campaigns(world, "Tea", "Cake", purpose=Purpose.CHECK_IN_CONTENT)
    campaigns(world, "Story time")
    comes(world)

    world.withdraw(Purpose.CHECK_IN_CONTENT)
    world.session.expire_all()

    [sending] = claimed(world)
    assert said(sending)["title"] == "Story time"
    assert [one.title for one in in_inbox(world)] == ["Story time"]


def test_withdrawing_all_leaves_no_bundle(world: World) -> None:
    """Nor a delivery of one."""
    campaigns(world)
    comes(world)

    world.withdraw(Purpose.NEARBY)

    assert world.count(Notification) == world.count(Delivery) == 0


def test_who_opens_a_bundle_has_read_what_is_in_it(world: World) -> None:
    """Being shown is not enough; somebody else's is not touched."""
    campaigns(world)
    made = comes(world)
    [sending] = claimed(world)

    def acknowledge(kind: ReceiptKind) -> None:
        token = make_token(receipt_key(SETTINGS), sending.delivery_id)
        report = ReceiptReport(token=token, kind=kind, occurred_at=moment(5))
        receipts.take(world.session, [report], keys=receipt_keys(SETTINGS), at=moment(5))
        world.session.expire_all()

    acknowledge(ReceiptKind.SHOWN)
    unread = inbox.count_unread(world.session, world.person.id, at=moment(9))
    acknowledge(ReceiptKind.CLICKED)

    assert unread == 3
    assert [one.read_at for one in made] == [moment(5)] * 3
    assert inbox.count_unread(world.session, world.person.id, at=moment(9)) == 0


def test_what_is_released_at_one_moment_is_one_push(world: World) -> None:
    """Of whatever places it came: four messages while the person was not to be disturbed."""
    other = make_place(world.session, world.organisation, name="Barnstaple Library")
    make_geofence(world.session, other)
    for place in (world.place, other):
        for title in ("Tea", "Cake"):
            make_campaign(
                world.session,
                make_listing(world.session, place, title=title),
                after_holding=AfterHolding.RELEASE,
            )
    world.person.quiet_from, world.person.quiet_until = time(11), time(13)
    held = comes(world)
    ids = world.session.scalars(select(HeldMessage.decision_id)).all()

    made = pipeline.release(world.session, ids[:1], settings=SETTINGS, at=moment(EVENING))
    [sending] = claimed(world, at=EVENING + 1)

    assert held == []
    assert len(ids) == len(made) == 4
    assert said(sending)["title"] == "While you were away: 4 messages"
    assert sorted(said(sending)["body"].splitlines()) == ["Cake", "Cake", "Tea", "Tea"]


def test_two_people_share_no_bundle(world: World) -> None:
    """Even if they come in at one moment and their occasions are decided on together."""
    campaigns(world)
    other = make_person(world.session, Purpose.NEARBY)
    phone, _ = make_device(world.session, other)
    subscribe(world)
    first, world.device, world.person = (world.device, world.person), phone, other
    subscribe(world)
    world.device, world.person = first
    world.walk(ping(0, INSIDE))
    world.walk(ping(0, INSIDE), device=phone)

    made = world.decide()

    assert len(made) == 6
    assert {one.person_id for one in bundles(world)} == {world.person.id, other.id}
    for bundle in bundles(world):
        members = [one for one in made if one.bundle_id == bundle.id]
        assert {one.person_id for one in members} == {bundle.person_id}
