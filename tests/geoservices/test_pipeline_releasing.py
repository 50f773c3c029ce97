"""What was held back waits, is looked at again by every gate, and is told once, or not any more."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import guarding, pipeline, withdrawing
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import definitions, waiting_lanes
from geoservices.campaigns.definitions import AfterHolding, Audience, PlaceSet, Schedule
from geoservices.campaigns.models import Campaign, CampaignVersion, Decision, HeldMessage
from geoservices.campaigns.place_queries import listen, listen_no_more
from geoservices.campaigns.rules import CampaignClass, Cap, Gate
from geoservices.campaigns.windows import WEEK, Window
from geoservices.database import SessionFactory, transaction
from geoservices.explanations import service as explanations
from geoservices.explanations.service import Told
from geoservices.explanations.wording import in_words
from geoservices.listings.models import Listing
from geoservices.notifications.models import NewNotification, Notification
from geoservices.places.sensitivity import SensitiveKind, Sensitivity
from geoservices.visits import queries as visits
from tests.factories import NOON, make_campaign, make_definition, make_listing, make_version
from tests.walking import FAR, INSIDE, SETTINGS, World, make_world, moment, ping

RELEASE, IF_THERE = AfterHolding.RELEASE, AfterHolding.RELEASE_IF_THERE
AN_HOUR = 3600.0


def disturb_not(person: Person, from_: time = time(11), until: time = time(13)) -> None:
    """Set quiet hours, by default round the noon at which tests happen."""
    person.quiet_from, person.quiet_until = from_, until


def campaign(world: World, **changes: object) -> Campaign:
    """A campaign at the library that releases what was held back."""
    listing = changes.pop("listing", None) or make_listing(world.session, world.place)
    assert isinstance(listing, Listing)
    return make_campaign(
        world.session,
        listing,
        **{"after_holding": RELEASE, **changes},  # type: ignore[arg-type]
    )


def comes(world: World, *, at: float = 0) -> None:
    """Have the citizen come to the library, and the campaigns decide."""
    world.walk(ping(at, INSIDE))
    assert world.decide(at + 1) == []


def release(world: World, at: float = AN_HOUR) -> list[NewNotification]:
    """Hand out what is due, and look at it."""
    ids = waiting_lanes.SINGLES.hand_out(
        world.session, at=moment(at), lease=timedelta(seconds=30), limit=100
    )
    world.session.expire_all()
    return pipeline.release(world.session, ids, settings=world.settings, at=moment(at))


def chain(session: Session) -> list[tuple[str | None, datetime | None]]:
    """What was decided, in order: the gate, and until when it waits."""
    rows = session.scalars(select(Decision).order_by(Decision.decided_at)).all()
    return [(one.gate, one.waits_until) for one in rows]


def decided(world: World) -> list[Told]:
    """What the person is told of what was decided about them, the earliest first."""
    rows = world.session.scalars(select(Decision).order_by(Decision.decided_at)).all()
    return explanations.tell(world.session, rows, time_zone=world.person.time_zone)


def fates(world: World) -> list[str]:
    """What became of each message, as each of the decisions says."""
    return [one.became for one in decided(world)]


def test_what_quiet_hours_held_back_is_told_when_they_end(world: World) -> None:
    """Not before; the later decision names the first, which stays as it was."""
    campaign(world)
    disturb_not(world.person)
    comes(world)
    before = release(world, AN_HOUR - 0.001)

    [told] = release(world)

    first, second = world.session.scalars(select(Decision).order_by(Decision.decided_at)).all()
    assert before == []
    assert (first.gate, first.waits_until, first.decided_at) == (
        Gate.QUIET_HOURS,
        moment(AN_HOUR),
        moment(1),
    )
    assert (second.gate, second.follows_id, second.decided_at) == (
        None,
        first.id,
        moment(AN_HOUR),
    )
    assert second.transition_id == first.transition_id
    assert second.version == first.version
    assert (told.decision_id, told.created_at) == (second.id, moment(AN_HOUR))
    assert world.count(HeldMessage) == 0
    assert release(world, AN_HOUR + 60) == []


def test_without_the_campaign_saying_so_nothing_waits(world: World) -> None:
    """It is dropped, as it was always."""
    campaign(world, after_holding=AfterHolding.DROP)
    disturb_not(world.person)

    comes(world)

    assert chain(world.session) == [(Gate.QUIET_HOURS, None)]
    assert world.count(HeldMessage) == 0


def test_a_held_message_is_released_when_the_place_opens(world: World) -> None:
    """The library opens at one; nobody has to come again for it."""
    world.place.opening_hours = "Mo-Su 13:00-17:00"
    campaign(world, only_when_open=True)
    comes(world)

    [told] = release(world)

    assert told.title == "Free hot drink"
    assert chain(world.session) == [(Gate.OPENING_HOURS, moment(AN_HOUR)), (None, None)]


def test_a_held_message_is_released_when_the_weekly_window_begins(world: World) -> None:
    """By the organisation's clock."""
    window = Window(days=WEEK, from_=time(13), until=time(14))
    campaign(world, schedule=Schedule(windows=(window,)))
    comes(world)

    assert len(release(world)) == 1
    assert chain(world.session) == [(Gate.SCHEDULE, moment(AN_HOUR)), (None, None)]


def test_what_is_held_again_waits_again(world: World) -> None:
    """First the place is closed, then the person rests: each hold is on record, and told."""
    world.place.opening_hours = "Mo-Su 13:00-17:00"
    campaign(world, only_when_open=True)
    comes(world)
    disturb_not(world.person, time(12, 30), time(13, 30))

    at_first = fates(world)
    held_again = release(world)
    in_between = fates(world)
    [told] = release(world, 1.5 * AN_HOUR)

    first, second, third = world.session.scalars(select(Decision).order_by(Decision.decided_at))
    assert held_again == []
    assert chain(world.session) == [
        (Gate.OPENING_HOURS, moment(AN_HOUR)),
        (Gate.QUIET_HOURS, moment(1.5 * AN_HOUR)),
        (None, None),
    ]
    assert second.follows_id == third.follows_id == first.id
    assert (at_first, in_between, fates(world)) == (["waits"], ["waits"] * 2, ["sent"] * 3)
    [was_closed, was_quiet, was_sent] = [one.in_words for one in decided(world)]
    assert was_closed.endswith("It waited, and was sent on 4 March 2026 at 13:30.")
    assert was_quiet.endswith("It waited, and was sent on 4 March 2026 at 13:30.")
    assert was_sent == "You were told: nothing spoke against it."
    assert told.decision_id is not None
    why = explanations.explain(world.session, [told.decision_id])[told.decision_id]
    assert (
        "It was held back on 4 March 2026 at 12:00 until 4 March 2026 at 13:00, because the place "
        "was closed. It was held back on 4 March 2026 at 13:00 until 4 March 2026 at 13:30, "
        "because of your quiet hours. It was sent on 4 March 2026 at 13:30." in why.in_words
    )


def test_a_campaign_of_no_listing_releases_too(world: World) -> None:
    """What it says is all there is to it."""
    made = campaign(world, title="Mind the step")
    made.listing_id = None
    places = make_definition(
        title="Mind the step", after_holding=RELEASE, places=PlaceSet(ids=(world.place.id,))
    )
    version = world.session.get_one(CampaignVersion, (made.id, 1))
    version.definition = definitions.stored(places)
    listen_no_more(world.session, made.id)
    listen(world.session, version, places.places, listing_id=None)
    world.session.flush()
    disturb_not(world.person)
    comes(world)

    assert [one.title for one in release(world)] == ["Mind the step"]


def test_a_message_waits_no_longer_than_the_limit(world: World) -> None:
    """What could only be sent after it is dropped at once; so is what would be held that long."""
    patience = world.settings.campaigns.model_copy(update={"longest_wait": timedelta(minutes=80)})
    world.settings = world.settings.model_copy(update={"campaigns": patience})
    world.place.opening_hours = "Mo-Su 13:00-17:00"
    campaign(world, only_when_open=True)
    comes(world)
    disturb_not(world.person, time(12, 30), time(13, 30))

    assert release(world) == []
    assert chain(world.session) == [
        (Gate.OPENING_HOURS, moment(AN_HOUR)),
        (Gate.QUIET_HOURS, None),
    ]
    assert world.count(HeldMessage) == 0


def test_nothing_waits_until_what_it_speaks_of_is_over(world: World) -> None:
    """Nor until its campaign is."""
    over = make_listing(world.session, world.place)
    over.ends_at = moment(AN_HOUR)
    campaign(world, listing=over)
    campaign(world, schedule=Schedule(ends_at=moment(AN_HOUR)))
    disturb_not(world.person)

    comes(world)

    assert chain(world.session) == [(Gate.QUIET_HOURS, None)] * 2


@pytest.mark.parametrize("gate", [Gate.COOLDOWN, Gate.CAMPAIGN_CAP])
def test_who_was_told_the_same_just_before_is_not_told_later(world: World, gate: Gate) -> None:
    """A campaign that spoke has nothing to release."""
    cap = Cap(messages=1, within=timedelta(hours=3)) if gate is Gate.CAMPAIGN_CAP else None
    campaign(world, cap=cap)
    world.walk(ping(0, INSIDE))
    assert len(world.decide(1)) == 1
    for second, north in ((300, FAR), (450, FAR), (700, INSIDE)):
        world.walk(ping(second, north))
        assert world.decide(second + 1) == []

    assert chain(world.session)[-1] == (gate, None)


def test_who_had_as_many_messages_as_one_may_is_told_when_there_is_room(world: World) -> None:
    """As the oldest of them leaves the window of the cap, to the second."""
    limits = world.settings.campaigns.model_copy(
        update={"person_cap": 1, "person_cap_window": timedelta(hours=1)}
    )
    world.settings = world.settings.model_copy(update={"campaigns": limits})
    for _ in range(3):
        campaign(world)
    world.walk(ping(0, INSIDE))

    at_once = world.decide(1)
    later = [len(release(world, AN_HOUR * hour + 1)) for hour in (0.9, 1, 2, 3)]

    assert len(at_once) == 1
    assert later == [0, 1, 1, 0]


def test_one_message_of_a_campaign_waits_for_a_person(world: World) -> None:
    """Whoever comes by three times at night is told once in the morning."""
    campaign(world, cooldown=timedelta(0))
    disturb_not(world.person)
    for second, north in ((0, INSIDE), (300, FAR), (450, FAR), (700, INSIDE)):
        world.walk(ping(second, north))
        world.decide(second + 1)

    told = release(world)

    assert len(told) == 1
    assert chain(world.session) == [
        (Gate.QUIET_HOURS, moment(AN_HOUR)),
        (Gate.QUIET_HOURS, None),
        (None, None),
    ]


@pytest.mark.parametrize("member", [True, False], ids=["member", "citizen"])
def test_critical_work_does_not_wait_for_quiet_hours(world: World, *, member: bool) -> None:
    """It is sent at once; a citizen's quiet hours hold whatever anybody calls critical."""
    if member:
        world.person.role, world.person.organisation_id = Role.STAFF, world.place.organisation_id
    campaign(
        world,
        audience=Audience(roles=(Role.CITIZEN, Role.STAFF)),
        campaign_class=CampaignClass.CRITICAL,
    )
    disturb_not(world.person)
    world.walk(ping(0, INSIDE))

    assert len(world.decide(1)) == member


def test_what_is_looked_at_too_late_is_not_told(world: World) -> None:
    """Having waited makes it no older, but standing about does."""
    campaign(world)
    disturb_not(world.person)
    comes(world)
    late = AN_HOUR + SETTINGS.campaigns.max_age.total_seconds() + 1

    assert release(world, late) == []
    assert chain(world.session)[-1] == (Gate.AGE, None)


def end(_world: World, made: Campaign) -> None:
    """The campaign is ended."""
    made.ended_at = moment(60)


def withdraw_listing(world: World, made: Campaign) -> None:
    """What it speaks of is withdrawn."""
    world.session.get_one(Listing, made.listing_id).withdrawn_at = moment(60)


def listen_elsewhere(world: World, made: Campaign) -> None:
    """The campaign is for other places."""
    listen_no_more(world.session, made.id)


def disable(world: World, _made: Campaign) -> None:
    """The person is let in nowhere."""
    world.person.disabled_at = moment(60)


def take_back(world: World, _made: Campaign) -> None:
    """The visit turns out never to have been."""
    visits.forget(world.session, [world.device.id])


def close_for_ever(world: World, _made: Campaign) -> None:
    """Nobody knows any more when the place is open."""
    world.place.opening_hours = None


@pytest.mark.parametrize(
    ("happens", "gate"),
    [
        pytest.param(end, Gate.RELEVANCE, id="campaign ended"),
        pytest.param(listen_elsewhere, Gate.RELEVANCE, id="another place"),
        pytest.param(disable, Gate.RELEVANCE, id="person disabled"),
        pytest.param(take_back, Gate.RELEVANCE, id="visit taken back"),
        pytest.param(withdraw_listing, Gate.CLAIMABLE, id="listing withdrawn"),
        pytest.param(close_for_ever, Gate.OPENING_HOURS, id="hours unknown"),
    ],
)
def test_every_gate_is_asked_again(
    world: World, happens: Callable[[World, Campaign], None], gate: Gate
) -> None:
    """By what is so then, not when it was held back."""
    made = campaign(world, only_when_open=True)
    disturb_not(world.person)
    comes(world)
    happens(world, made)
    world.session.flush()

    assert release(world) == []
    assert chain(world.session) == [(Gate.QUIET_HOURS, moment(AN_HOUR)), (gate, None)]
    assert world.count(HeldMessage) == 0
    assert fates(world) == ["dropped"] * 2
    first = decided(world)[0].in_words
    assert "It waited, and was not sent on 4 March 2026 at 13:00 either." in first
    assert first.endswith(in_words(gate))


def test_who_is_in_the_audience_no_more_is_not_told(world: World) -> None:
    """The citizen has become a member of staff."""
    campaign(world, audience=Audience(roles=(Role.CITIZEN,)))
    disturb_not(world.person)
    comes(world)
    world.person.role, world.person.organisation_id = Role.STAFF, world.organisation.id
    world.session.flush()

    assert release(world) == []
    assert chain(world.session)[-1] == (Gate.RELEVANCE, None)


def test_the_version_that_held_it_back_speaks(world: World) -> None:
    """A change counts for what happens from then on, however often there is one."""
    made = campaign(world, title="As it was")
    disturb_not(world.person)
    comes(world)
    old = world.session.get_one(CampaignVersion, (made.id, 1))
    for number in (2, 3):
        made.version = number
        old.in_force_until = moment(60)
        make_version(world.session, made, make_definition(title=f"Version {number}"))
        listen_no_more(world.session, made.id, before=number)
    world.session.flush()

    [told] = release(world)

    assert told.title == "As it was"


@pytest.mark.parametrize("stays", [True, False])
def test_some_messages_are_for_those_who_are_still_there(world: World, *, stays: bool) -> None:
    """If the campaign says so; the other kind is told wherever the person is by then."""
    campaign(world, after_holding=IF_THERE)
    anywhere = campaign(world, listing=make_listing(world.session, world.place, title="Anywhere"))
    disturb_not(world.person)
    comes(world)
    for second in range(300, 3600, 300):
        world.walk(ping(second, INSIDE if stays else FAR))
        world.wait(second + 200)

    told = release(world)

    assert sorted(one.title for one in told) == (
        ["Anywhere", "Free hot drink"] if stays else ["Anywhere"]
    )
    last = world.session.scalars(
        select(Decision.gate).where(
            Decision.follows_id.is_not(None), Decision.campaign_id != anywhere.id
        )
    ).all()
    assert last == [None if stays else Gate.RELEVANCE]


def test_a_consent_withdrawn_takes_what_waits_with_it(world: World) -> None:
    """There is nothing left to look at, nor any word of it."""
    campaign(world)
    disturb_not(world.person)
    comes(world)
    handed_out = waiting_lanes.SINGLES.hand_out(
        world.session, at=moment(AN_HOUR), lease=timedelta(seconds=30), limit=9
    )

    world.withdraw(Purpose.NEARBY)

    assert world.count(HeldMessage) == world.count(Decision) == 0
    made = pipeline.release(world.session, handed_out, settings=SETTINGS, at=moment(AN_HOUR))
    assert made == []


def test_a_place_that_becomes_sensitive_takes_what_waits_with_it(world: World) -> None:
    """Nobody is told in the morning that they passed a shelter at night."""
    campaign(world)
    disturb_not(world.person)
    comes(world)

    guarding.mark(
        world.session,
        by_operator(world.organisation.id, Right.PLACES_WRITE),
        world.place.id,
        Sensitivity(kind=SensitiveKind.SHELTER),
        at=moment(60),
    )

    assert world.count(HeldMessage) == 0
    assert release(world) == []


def held_for(sessions: SessionFactory, people: int) -> list[UUID]:
    """Have messages of so many campaigns wait for somebody, and return their decisions."""
    with transaction(sessions) as session:
        world = make_world(session)
        for _ in range(people):
            campaign(world)
        disturb_not(world.person)
        comes(world)
        return list(session.scalars(select(HeldMessage.decision_id)))


def test_two_workers_with_the_same_messages_tell_once(committed: SessionFactory) -> None:
    """Whether each has all of them or half: what waits for one person is looked at by one."""
    ids = held_for(committed, 4)
    barrier, made = Barrier(4), list[int]()

    def work(some: list[UUID]) -> None:
        barrier.wait()
        with transaction(committed) as session:
            told = pipeline.release(session, some, settings=SETTINGS, at=moment(AN_HOUR))
            made.append(len(told))

    threads = [Thread(target=work, args=(some,)) for some in (ids, ids[:2], ids[2:], ids)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(made) == [0, 0, 0, 4]
    with transaction(committed) as session:
        assert len(session.scalars(select(Notification.id)).all()) == 4
        assert session.scalars(select(HeldMessage.decision_id)).all() == []


def test_a_crash_before_the_end_loses_nothing(committed: SessionFactory) -> None:
    """What was taken is rolled back with all the rest, and comes due again after its lease."""
    held_for(committed, 2)
    with transaction(committed) as session:
        ids = waiting_lanes.SINGLES.hand_out(
            session, at=moment(AN_HOUR), lease=timedelta(seconds=30), limit=9
        )

    with committed() as session:
        assert len(pipeline.release(session, ids, settings=SETTINGS, at=moment(AN_HOUR))) == 2
        session.rollback()

    with transaction(committed) as session:
        lease = timedelta(seconds=30)
        early = waiting_lanes.SINGLES.hand_out(
            session, at=moment(AN_HOUR + 29), lease=lease, limit=9
        )
        late = waiting_lanes.SINGLES.hand_out(
            session, at=moment(AN_HOUR + 30), lease=lease, limit=9
        )
        assert early == []
        assert sorted(late) == sorted(ids)
        assert len(pipeline.release(session, late, settings=SETTINGS, at=moment(AN_HOUR + 30))) == 2


def test_withdrawing_and_releasing_at_once_wait_for_each_other(committed: SessionFactory) -> None:
    """In whatever order they come, neither dies of it, and afterwards nothing is left."""
    ids = held_for(committed, 3)
    barrier, failures = Barrier(2), list[Exception]()

    def attempt(act: Callable[[Session], object]) -> None:
        barrier.wait()
        try:
            with transaction(committed) as session:
                act(session)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    def withdraw(session: Session) -> None:
        person = session.scalars(select(Person)).one()
        withdrawing.withdraw_consent(session, person, Purpose.NEARBY, at=NOON)

    def look(session: Session) -> None:
        pipeline.release(session, ids, settings=SETTINGS, at=moment(AN_HOUR))

    threads = [Thread(target=attempt, args=(act,)) for act in (withdraw, look)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    with transaction(committed) as session:
        for column in (Notification.id, HeldMessage.decision_id, Decision.id):
            assert session.scalars(select(column)).all() == []
