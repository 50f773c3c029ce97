"""Campaigns counted from real rows: once, by whole groups, and for good."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Consent, Person, Purpose
from geoservices.campaigns import definitions
from geoservices.campaigns import queries as campaigns
from geoservices.campaigns.definitions import Audience, Goal, GoalKind
from geoservices.campaigns.models import Campaign, CampaignVersion, Decision
from geoservices.campaigns.rules import Gate
from geoservices.checkins.models import CheckIn
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.events.models import Event, Occurrence, SignUp
from geoservices.listings.models import Listing, ListingKind
from geoservices.notifications import inbox
from geoservices.notifications import service as notifications
from geoservices.notifications.models import Notification, NotificationKind
from geoservices.offers.models import Redemption
from geoservices.outcomes import counting, queries, service
from geoservices.outcomes.rounds import Step
from geoservices.outcomes.service import Outcome
from geoservices.outcomes.summing import Verdict
from geoservices.places.sensitivity import SensitiveKind
from geoservices.settings.privacy import PROMISED_COUNT
from geoservices.subscriptions import service as subscriptions
from geoservices.tasks.models import TaskStep
from tests.campaigning import World, make_world
from tests.factories import (
    NOON,
    make_campaign,
    make_device,
    make_listing,
    make_organisation,
    make_place,
    may,
)
from tests.notifying import KEY, PUSH, offer
from tests.reckoning import count, decided, people, redeem
from tests.walking import SETTINGS

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LATER = NOON + 40 * DAY
TWO_DAYS = Goal(kind=GoalKind.REDEEMED, within=2 * DAY)


@pytest.fixture
def world(session: Session) -> World:
    """A library with an offer, and nobody in it."""
    return make_world(session)


def told_of(world: World, campaign: Campaign, *, at: datetime = LATER, **asked: Any) -> Outcome:
    """What a manager is told."""
    return service.outcome(
        world.session,
        campaign.id,
        grant=may(world.organisation, Right.CAMPAIGNS_READ),
        **{"version": None, "first": None, "last": None, **asked},
        smallest=PROMISED_COUNT,
        at=at,
    )


def test_a_campaign_from_its_first_message_to_its_last_word(world: World) -> None:
    """Everybody is met once; told, shown and opened by real messages, held out by the real lot."""
    session = world.session
    audience = Audience(roles=(Role.CITIZEN,), hold_out=0.3)
    goal = replace(TWO_DAYS, target=0.2)
    campaign = world.campaign(
        goal=goal, audience=audience, objective="More people in", effort="6 hours"
    )
    came = people(session, 100)
    for person in came:
        _subscribe(session, person)
    sleepers = people(session, 12)
    for person in sleepers:
        person.quiet_from, person.quiet_until = NOON.time(), (NOON + HOUR).time()
    uncounted = people(session, 30, Purpose.NEARBY)
    others = people(session, 3, Purpose.STATISTICS)

    occasions = [world.enters(one) for one in [*came, *sleepers, *uncounted, *others]]
    sent = world.messages(*occasions)
    made = notifications.write(session, sent, at=NOON)
    deliveries.enqueue(session, made, at=NOON)
    ids = {person.id for person in came}
    told = [one.decision.person_id for one in sent if one.decision.person_id in ids]
    opened, shown = told[:25], told[25:40]
    read = [one.id for one in made if one.person_id in opened]
    inbox.mark_read(session, read, at=NOON + HOUR)
    _push(session, DeliveryState.ACCEPTED, told)
    _push(session, DeliveryState.SHOWN, shown)
    redeemers = {*told[:15], *told[-5:]}
    held_out = [one for one in came if one.id not in told]
    redeem(world, [*(one for one in came if one.id in redeemers), *held_out[:10]])
    campaign.ended_at = NOON + 2 * HOUR
    [counted] = count(session, campaign)

    funnel = (outcome := told_of(world, campaign)).result.funnel
    assert 45 <= len(told) <= 90
    assert (counted.first_day, counted.last_day, counted.is_last) == (
        NOON.date(),
        NOON.date(),
        True,
    )
    assert funnel.held == {Gate.QUIET_HOURS: 10}
    assert funnel.held_out == 10 + (len(held_out) - 10) // 5 * 5
    assert funnel.held_out_reached == 10
    # 15 of those who redeemed had opened it, and 5 had not; those are too few to be told of.
    assert funnel.reached == 15
    assert funnel.steps[Step.OPENED] == 15 + 10
    assert funnel.steps[Step.SHOWN] == 15 + 10 + 15
    assert funnel.steps[Step.SENT] == funnel.steps[Step.ACCEPTED]
    assert (funnel.messages, outcome.is_final) == (funnel.steps[Step.SENT], True)
    assert outcome.result.hours_each == pytest.approx(6 / 15)
    assert outcome.result.verdict is Verdict.TOO_FEW
    assert outcome.summary[0] == "Objective: More people in"


def _subscribe(session: Session, person: Person) -> None:
    device, _ = make_device(session, person)
    subscriptions.subscribe(
        session,
        device_id=device.id,
        offered=offer(f"https://fcm.googleapis.com/fcm/send/{device.id}"),
        current_key=KEY,
        push=PUSH,
        at=NOON,
    )


def _push(session: Session, state: DeliveryState, people_ids: Sequence[object]) -> None:
    which = Notification.person_id.in_(people_ids)
    session.execute(
        update(Delivery)
        .where(Delivery.notification_id == Notification.id, which)
        .values(state=state)
        .execution_options(synchronize_session=False)
    )


def check_in(world: World, some: Sequence[Person], at: datetime) -> None:
    """Have people check in at the library."""
    for person in some:
        device, _ = make_device(world.session, person)
        world.session.add(
            CheckIn(
                id=uuid4(),
                device_id=device.id,
                place_id=world.place.id,
                organisation_id=world.organisation.id,
                evidence="inside",
                claimed_at=at,
                received_at=at,
            )
        )
    world.session.flush()


def open_(world: World, some: Sequence[Person], at: datetime) -> None:
    """Have people open what they were told, if they were."""
    world.session.execute(
        update(Notification)
        .where(Notification.person_id.in_([one.id for one in some]))
        .values(read_at=at)
    )


def sign_up(world: World, some: Sequence[Person], at: datetime) -> None:
    """Have people sign up for the event of the test."""
    session = world.session
    occurrence = session.query(Occurrence).first()
    if occurrence is None:
        occurrence = Occurrence(
            event_id=world.listing.id, starts_at=NOON + DAY, ends_at=NOON + DAY + HOUR
        )
        session.add(occurrence)
        session.flush()
    session.add_all(
        SignUp(
            occurrence_id=occurrence.id,
            person_id=one.id,
            state="going",
            signed_up_at=at,
            going_since=at,
        )
        for one in some
    )
    session.flush()


Act = Callable[[World, Sequence[Person], datetime], None]


@pytest.mark.parametrize(
    ("kind", "act", "held_out"),
    [
        # Nobody can open what they were not sent.
        pytest.param(GoalKind.OPENED, open_, (35, None), id="opened"),
        pytest.param(GoalKind.CHECKED_IN, check_in, (30, 10), id="checked-in"),
        pytest.param(
            GoalKind.REDEEMED,
            lambda world, some, at: redeem(world, some, at=at),
            (30, 10),
            id="redeemed",
        ),
        pytest.param(GoalKind.SIGNED_UP, sign_up, (30, 10), id="signed up"),
        pytest.param(GoalKind.ATTENDED, check_in, (30, 10), id="attended"),
    ],
)
def test_a_goal_counts_in_its_time_alone(
    world: World,
    kind: GoalKind,
    act: Act,
    held_out: tuple[int, int | None],
) -> None:
    """From when somebody was told, or would have been, as long as the goal says; not before."""
    if kind in {GoalKind.SIGNED_UP, GoalKind.ATTENDED}:
        world.listing = _daily_event(world)
    campaign = world.campaign(listing=world.listing, goal=Goal(kind=kind, within=2 * DAY))
    for gate in (None, Gate.HOLD_OUT):
        in_time, late, before = (people(world.session, 12) for _ in range(3))
        told = decided(world, campaign, [*in_time, *late, *before], gate=gate)
        world.session.add_all(_notification(world, one) for one in told if gate is None)
        world.session.flush()
        act(world, in_time, NOON + 2 * DAY)
        act(world, late, NOON + 2 * DAY + MINUTE)
        if kind is not GoalKind.OPENED:
            act(world, before, NOON - MINUTE)
    campaign.ended_at = NOON + HOUR

    count(world.session, campaign)

    funnel = told_of(world, campaign).result.funnel
    assert (funnel.steps[Step.SENT], funnel.reached) == (30, 10)
    assert (funnel.held_out, funnel.held_out_reached) == held_out


def _daily_event(world: World) -> Listing:
    """An event that is on from 11:00 to 13:00 each day, and can be signed up for."""
    event = make_listing(world.session, world.place, kind=ListingKind.EVENT, title="Story time")
    assert isinstance(event, Event)
    event.starts_at = NOON - DAY - HOUR
    event.length, event.rule, event.sign_up = 2 * HOUR, "FREQ=DAILY", "open"
    world.session.flush()
    return event


def _notification(world: World, decision: Decision) -> Notification:
    return Notification(
        id=uuid4(),
        organisation_id=decision.organisation_id,
        person_id=decision.person_id,
        decision_id=decision.id,
        listing_id=world.listing.id,
        campaign_class="service",
        title="Story time",
        body="Today.",
        created_at=decision.decided_at,
        expires_at=decision.decided_at + HOUR,
    )


def test_a_message_that_was_held_and_then_sent_is_sent(world: World) -> None:
    """Whatever held somebody back before; of those who were never told the last gate counts."""
    campaign = world.campaign()
    released, never = people(world.session, 12), people(world.session, 12)
    decided(world, campaign, [*released, *never], gate=Gate.OPENING_HOURS)
    decided(world, campaign, never, gate=Gate.CLAIMABLE, at=NOON + HOUR)
    decided(world, campaign, never, gate=Gate.PURPOSE, at=NOON + 2 * HOUR)
    decided(world, campaign, released, at=NOON + DAY)
    campaign.ended_at = NOON + DAY + HOUR

    count(world.session, campaign)

    funnel = told_of(world, campaign).result.funnel
    assert (funnel.steps[Step.SENT], funnel.held) == (10, {Gate.CLAIMABLE: 10})


def test_a_push_that_stands_for_several_brings_each_of_them(world: World) -> None:
    """What is said of it is said of all that it told of."""
    session = world.session
    campaign = world.campaign(ended_at=NOON + HOUR)
    for decision in decided(world, campaign, people(session, 12)):
        bundle = _notification(world, decision)
        bundle.kind, bundle.decision_id = NotificationKind.BUNDLE, None
        bundle.organisation_id = bundle.listing_id = None
        session.add(bundle)
        session.flush()
        member = _notification(world, decision)
        member.bundle_id = bundle.id
        session.add(member)
        person = session.get_one(Person, decision.person_id)
        _subscribe(session, person)
        deliveries.enqueue(session, [bundle], at=NOON)
    session.execute(update(Delivery).values(state=DeliveryState.SHOWN))

    count(session, campaign)

    funnel = told_of(world, campaign).result.funnel
    assert (funnel.steps[Step.SHOWN], funnel.steps[Step.OPENED]) == (10, None)
    assert funnel.messages == 10


def test_whoever_was_told_before_is_not_met_again(world: World) -> None:
    """Nor who was decided about before, as far back as is kept."""
    campaign = world.campaign()
    regulars = people(world.session, 15)
    for day in (0, 5, 12, 19):
        decided(world, campaign, regulars, at=NOON + day * DAY)

    rounds = count(world.session, campaign)

    assert [one.number for one in rounds] == [1, 2, 3]
    assert [sum(group["people"] for group in one.groups) for one in rounds] == [15, 0, 0]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"withdrawn_at": NOON + DAY}, id="withdrew"),
        pytest.param({"given_at": NOON + HOUR}, id="later"),
        pytest.param({"text_version": "2026-12"}, id="other words"),
    ],
)
def test_only_those_are_counted_who_had_agreed_to_it(
    world: World, values: dict[str, object]
) -> None:
    """In words that speak of messages, before they were met, and still."""
    campaign = world.campaign()
    some = people(world.session, 19)
    decided(world, campaign, some)
    world.session.execute(
        update(Consent)
        .where(
            Consent.person_id.in_([person.id for person in some[:10]]),
            Consent.purpose == Purpose.STATISTICS,
        )
        .values(**values)
    )
    campaign.ended_at = NOON + HOUR

    count(world.session, campaign)

    assert told_of(world, campaign).result.funnel.eligible is None


def test_what_is_at_sensitive_places_or_a_partners_is_not_counted(world: World) -> None:
    """A partner's statistics are its own unless it shares them."""
    campaign = world.campaign()
    clinic = make_place(world.session, world.organisation, name="Clinic")
    clinic.sensitive_kind, clinic.sensitive_at = SensitiveKind.CLINIC, NOON
    theirs = make_place(world.session, make_organisation(world.session, "dorset"))
    world.session.flush()
    for place in (clinic, theirs):
        decided(world, campaign, people(world.session, 12), place=place)
    campaign.ended_at = NOON + HOUR

    count(world.session, campaign)

    assert told_of(world, campaign).result.funnel.eligible is None


def test_days_are_those_of_the_organisations_clocks(world: World) -> None:
    """Also where clocks change: in London they go forward on 29 March 2026, and a day is short."""
    campaign = world.campaign()
    campaign.published_at = datetime(2026, 3, 28, 12, tzinfo=UTC)
    before, after = (people(world.session, 200) for _ in range(2))
    decided(world, campaign, before, at=datetime(2026, 3, 29, 22, 59, tzinfo=UTC))
    decided(world, campaign, after, at=datetime(2026, 3, 29, 23, 0, tzinfo=UTC))

    first, second = count(world.session, campaign, at=datetime(2026, 4, 5, tzinfo=UTC))

    assert (first.first_day.isoformat(), first.last_day.isoformat()) == ("2026-03-28", "2026-03-29")
    assert first.starts_at == datetime(2026, 3, 28, tzinfo=UTC)
    assert first.ends_at == datetime(2026, 3, 29, 23, tzinfo=UTC)
    assert second.last_day.isoformat() == "2026-03-30"
    assert [sum(group["people"] for group in one.groups) for one in (first, second)] == [200, 200]


def test_nobody_is_counted_before_the_goal_s_time_is_up(world: World) -> None:
    """A day, what the goal gives, and the day after which days are counted."""
    campaign = world.campaign(goal=TWO_DAYS)
    decided(world, campaign, people(world.session, 200))
    midnight = NOON + 12 * HOUR

    too_early = count(world.session, campaign, at=midnight + 3 * DAY - MINUTE)
    told_before = told_of(world, campaign, at=midnight + 3 * DAY - MINUTE)
    [counted] = count(world.session, campaign, at=midnight + 3 * DAY)

    assert too_early == []
    assert told_before.result.verdict is Verdict.TOO_EARLY
    assert "Too early to say: nothing is counted yet." not in told_of(world, campaign).summary
    assert counted.ends_at == midnight


def test_what_is_told_outlives_what_it_was_counted_from(world: World) -> None:
    """Retention and erasure change no number, and nothing is counted again."""
    campaign = world.campaign(goal=TWO_DAYS)
    some = people(world.session, 25)
    decided(world, campaign, some)
    redeem(world, some[:12])
    campaign.ended_at = NOON + HOUR
    count(world.session, campaign)
    before = told_of(world, campaign)

    for table in (Redemption, Decision):
        world.session.execute(delete(table))
    again = count(world.session, campaign)

    assert again == []
    assert told_of(world, campaign).result == before.result
    assert (before.result.funnel.steps[Step.SENT], before.result.funnel.reached) == (20, 10)


def test_adjacent_windows_and_versions_find_nobody(world: World) -> None:
    """One more person on one day changes no difference of two answers by less than ten people.

    Whatever is asked, whole rounds are told of: a window that is a day longer tells the same, or a
    round more; and a version tells of a round or not.
    """
    session = world.session
    campaigns_ = [world.campaign(), world.campaign()]
    for number, campaign in enumerate(campaigns_):
        for day in range(20):
            decided(world, campaign, people(session, 12), at=NOON + day * DAY)
        # Somebody alone, on a day, whose end nobody else shares.
        decided(world, campaign, people(session, number), gate=Gate.CAP, at=NOON + 3 * DAY)
        decided(world, campaign, people(session, number), at=NOON + 5 * DAY)
        _second_version(session, campaign, at=NOON + 10 * DAY)
        count(session, campaign)

    questions: list[dict[str, Any]] = [
        *({"first": NOON.date(), "last": (NOON + day * DAY).date()} for day in range(22)),
        *({"first": (NOON + day * DAY).date()} for day in range(22)),
        *({"version": version} for version in (1, 2, 3)),
        {},
    ]
    for asked in questions:
        without, with_one = (
            told_of(world, campaign, **asked).result.funnel for campaign in campaigns_
        )
        assert without == with_one, asked
        assert without.eligible in {None, 120, 240}


def _second_version(session: Session, campaign: Campaign, *, at: datetime) -> None:
    version = campaigns.newest_version(session, campaign)
    midnight = at.replace(hour=0)
    version.in_force_until = midnight
    campaign.version = 2
    session.add(
        CampaignVersion(
            campaign_id=campaign.id,
            number=2,
            definition=version.definition,
            made_at=midnight,
            in_force_from=midnight,
        )
    )
    session.flush()


def test_rounds_with_another_goal_say_nothing_of_this_one(world: World) -> None:
    """The messages count, and what people did does not."""
    campaign = world.campaign(goal=TWO_DAYS)
    some = people(world.session, 200)
    decided(world, campaign, some)
    redeem(world, some[:50])
    count(world.session, campaign, at=NOON + 4 * DAY)
    before = told_of(world, campaign).result

    version = campaigns.newest_version(world.session, campaign)
    other = replace(definitions.read(version.definition), goal=replace(TWO_DAYS, within=DAY))
    version.definition = definitions.stored(other)
    world.session.flush()
    after = told_of(world, campaign).result

    assert (before.funnel.reached, before.verdict) == (50, Verdict.NO_TARGET)
    assert (after.funnel.reached, after.verdict) == (None, Verdict.TOO_FEW)
    assert after.funnel.steps == before.funnel.steps


@pytest.mark.parametrize(
    ("done_after", "asked_after", "verdict"),
    [
        (HOUR, 2 * HOUR, Verdict.MET),
        (3 * DAY, 4 * DAY, Verdict.NOT_MET),
        (None, DAY, Verdict.TOO_EARLY),
        (None, 3 * DAY, Verdict.NOT_MET),
    ],
)
def test_a_task_is_done_in_time_or_not(
    world: World, done_after: timedelta | None, asked_after: timedelta, verdict: Verdict
) -> None:
    """That is the organisation's own work, and told of whoever did it."""
    task = make_listing(world.session, world.place, kind=ListingKind.TASK, title="Mend the door")
    campaign = make_campaign(
        world.session, task, goal=Goal(kind=GoalKind.DONE, within=2 * DAY), audience=Role.STAFF
    )
    if done_after is not None:
        world.session.add(
            TaskStep(
                organisation_id=world.organisation.id,
                task_id=task.id,
                by="worker",
                kind="done",
                state="done",
                occurred_at=NOON + done_after,
                received_at=NOON + done_after,
            )
        )
        world.session.flush()

    assert told_of(world, campaign, at=NOON + asked_after).result.verdict is verdict


def test_one_worker_counts_at_a_time(committed: SessionFactory) -> None:
    """Another one passes the campaign over, and it is counted once."""
    with transaction(committed) as session:
        world = make_world(session)
        campaign_id = world.campaign(ended_at=NOON + HOUR).id
    with transaction(committed) as first, transaction(committed) as second:
        one = counting.count_next_round(first, campaign_id, settings=SETTINGS, at=LATER)
        two = counting.count_next_round(second, campaign_id, settings=SETTINGS, at=LATER)
    with transaction(committed) as session:
        assert queries.uncounted(session) == []
    assert one is not None
    assert two is None


def test_a_round_is_counted_in_a_handful_of_statements(world: World, statements: list[str]) -> None:
    """However many people there are; one asks for all of them."""
    campaign = world.campaign(goal=TWO_DAYS, ended_at=NOON + HOUR)
    decided(world, campaign, people(world.session, 30))
    statements.clear()

    count(world.session, campaign)

    assert sum("width_bucket" in one for one in statements) == 1
    assert len(statements) < 16
