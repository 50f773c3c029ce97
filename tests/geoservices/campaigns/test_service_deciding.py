"""What campaigns decide on real rows, and who waits for whom."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from threading import Thread

import pytest
from sqlalchemy import select

from geoservices.access.rights import Role
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import deciding
from geoservices.campaigns.definitions import Audience
from geoservices.campaigns.models import Decision
from geoservices.campaigns.rules import CampaignClass, Gate, Trigger
from geoservices.database import SessionFactory, transaction
from geoservices.listings.models import ListingKind
from geoservices.offers.models import Offer
from geoservices.places.sensitivity import SensitiveKind
from tests.campaigning import LIMITS, PERSON_CAP, World, make_world
from tests.factories import (
    NOON,
    make_listing,
    make_organisation,
    make_person,
    make_place,
    share_place,
)


def test_a_decision_is_recorded_with_its_gates(world: World, citizen: Person) -> None:
    """Who was told what, where, because of what."""
    campaign = world.campaign()
    occasion = world.enters(citizen)

    [decision] = world.decide(occasion)

    stored = world.session.scalars(select(Decision)).one()
    assert stored.id == decision.id
    assert (stored.campaign_id, stored.person_id, stored.place_id) == (
        campaign.id,
        citizen.id,
        world.place.id,
    )
    assert stored.transition_id == occasion.transition_id
    assert stored.gates_passed == [gate for gate in Gate if gate is not Gate.WORKING_HOURS]


def test_nobody_is_told_of_an_offer_that_they_could_not_have(world: World, citizen: Person) -> None:
    """Outside its hours, or when all of it is redeemed; the gate says which."""
    later = make_listing(world.session, world.place, title="Tea at three")
    gone = make_listing(world.session, world.place, title="Last cake")
    assert isinstance(later, Offer)
    assert isinstance(gone, Offer)
    later.window_starts_at, later.window_length = NOON + timedelta(hours=3), timedelta(hours=1)
    gone.stock = gone.redeemed_count = 7
    for listing in (later, gone):
        world.campaign(listing=listing)

    assert world.decide(world.enters(citizen)) == []

    held = world.session.scalars(select(Decision)).all()
    assert {decision.gate for decision in held} == {Gate.CLAIMABLE}
    assert {decision.reason for decision in held} == {
        "The offer is outside its hours at the moment.",
        "All there was of the offer has been redeemed.",
    }


def test_a_partners_campaign_speaks_of_what_the_owners_geofence_sees(
    world: World, citizen: Person
) -> None:
    """At a shared place a transition is an occasion for both, and neither reads the other's."""
    partner = make_organisation(world.session, "exeter")
    share_place(world.session, world.place, partner)
    listing = make_listing(world.session, world.place, title="Clinic")
    listing.organisation_id = partner.id
    campaigns = {world.campaign().id, world.campaign(listing=listing).id}

    sent = world.decide(world.enters(citizen))

    assert {decision.campaign_id for decision in sent} == campaigns
    assert {decision.organisation_id for decision in sent} == {world.organisation.id, partner.id}


def test_a_hold_is_recorded_with_its_reason(world: World) -> None:
    """With the gates that it passed and the figures behind it."""
    world.campaign()
    stranger = make_person(world.session, Purpose.CHECK_IN_CONTENT)

    sent = world.decide(world.enters(stranger))

    stored = world.session.scalars(select(Decision)).one()
    assert sent == []
    assert (stored.gate, stored.gates_passed) == (Gate.PURPOSE, [Gate.CONSENT])
    assert stored.detail == {"purpose": "nearby"}


def test_deciding_twice_is_deciding_once(world: World, citizen: Person) -> None:
    """A job may run again; and a held decision is not asked again either."""
    world.campaign()
    occasions = [world.enters(citizen), world.enters(make_person(world.session), minute=1)]

    first = world.decide(*occasions)
    second = world.decide(*occasions, minute=1)

    assert len(first) == 1
    assert second == []
    assert world.gates() == [None, Gate.CONSENT]


@pytest.mark.parametrize(
    ("published", "ended", "heard"),
    [
        pytest.param(None, None, False, id="a draft"),
        pytest.param(0, None, True, id="published just now"),
        pytest.param(1, None, False, id="published in a minute"),
        pytest.param(-60, 1, True, id="ends in a minute"),
        pytest.param(-60, 0, False, id="over as of now"),
    ],
)
def test_only_campaigns_that_are_on_are_asked(
    world: World, citizen: Person, published: float | None, ended: float | None, *, heard: bool
) -> None:
    """From when they are published until they end."""

    def minute(minutes: float | None) -> datetime | None:
        return None if minutes is None else NOON + timedelta(minutes=minutes)

    world.campaign(published_at=minute(published), ended_at=minute(ended))

    world.decide(world.enters(citizen))

    assert len(world.gates()) == heard


@pytest.mark.parametrize(
    ("audience", "who", "heard"),
    [
        pytest.param(Role.CITIZEN, "citizen", True, id="citizens hear what is for citizens"),
        pytest.param(Role.STAFF, "citizen", False, id="and not what is for staff"),
        pytest.param(Role.STAFF, "ours", True, id="our staff hear what is for staff"),
        pytest.param(Role.CITIZEN, "ours", False, id="and not what is for citizens"),
        pytest.param(Role.STAFF, "theirs", False, id="another council's staff hear nothing"),
    ],
)
def test_a_campaign_speaks_to_its_audience(
    world: World, audience: Role, who: str, *, heard: bool
) -> None:
    """Citizens of anywhere, and the organisation's own staff."""
    other = make_organisation(world.session, "torbay")
    organisations = {"citizen": None, "ours": world.organisation, "theirs": other}
    person = make_person(
        world.session, Purpose.NEARBY, Purpose.STAFF_TASKS, organisation=organisations[who]
    )
    world.campaign(audience=audience, purpose=Purpose.STAFF_TASKS)

    sent = world.decide(world.enters(person))

    assert len(sent) == len(world.gates()) == heard


def test_a_campaign_hears_its_own_trigger_at_its_own_place(world: World, citizen: Person) -> None:
    """A check-in sets off what waits for check-ins, and nothing next door."""
    next_door = make_place(world.session, world.organisation, name="Crediton Library")
    entered = world.campaign()
    checked_in = world.campaign(trigger=Trigger.CHECKED_IN, purpose=Purpose.CHECK_IN_CONTENT)
    world.campaign(listing=make_listing(world.session, next_door))

    by_check_in = world.decide(world.checks_in(citizen))
    by_entering = world.decide(world.enters(citizen))

    assert [one.campaign_id for one in by_check_in] == [checked_in.id]
    assert [one.campaign_id for one in by_entering] == [entered.id]


def test_a_sensitive_place_is_silent_for_passers_by(world: World, citizen: Person) -> None:
    """Whoever checks in there said so themselves."""
    world.campaign()
    world.campaign(trigger=Trigger.CHECKED_IN, purpose=Purpose.CHECK_IN_CONTENT)
    world.place.sensitive_at, world.place.sensitive_kind = NOON, SensitiveKind.CLINIC
    world.session.flush()

    passing = world.decide(world.enters(citizen))
    checking_in = world.decide(world.checks_in(citizen), minute=1)

    assert passing == []
    assert len(checking_in) == 1
    assert world.gates() == [Gate.SENSITIVE_PLACE, None]


def test_a_closed_place_holds_back_what_needs_it_open(world: World, citizen: Person) -> None:
    """By its opening hours, in its own zone; the decision says when it opens."""
    world.place.opening_hours = "Th 09:00-17:00"
    world.campaign(only_when_open=True)
    world.campaign(listing=make_listing(world.session, world.place, kind=ListingKind.EVENT))

    sent = world.decide(world.enters(citizen))

    held = world.session.scalars(select(Decision).where(Decision.gate.is_not(None))).one()
    assert len(sent) == 1
    assert held.gate == Gate.OPENING_HOURS
    assert held.reason == "The place is closed until Thursday 09:00."


def test_quiet_hours_are_the_persons(world: World, citizen: Person) -> None:
    """The other person's noon is loud."""
    citizen.quiet_from, citizen.quiet_until = time(11), time(13)
    other = make_person(world.session, Purpose.NEARBY)
    world.campaign()

    sent = world.decide(world.enters(citizen), world.enters(other))

    assert [decision.person_id for decision in sent] == [other.id]


def test_a_listing_that_is_over_is_not_spoken_of(world: World, citizen: Person) -> None:
    """Withdrawn between publishing and passing by."""
    world.campaign()
    world.listing.withdrawn_at = NOON
    world.session.flush()

    assert world.decide(world.enters(citizen)) == []
    assert world.gates() == [Gate.CLAIMABLE]


def test_the_cooldown_counts_from_when_the_person_was_told(world: World, citizen: Person) -> None:
    """The next visit within it is held, one after it is not."""
    world.campaign(cooldown=timedelta(hours=1))
    for minute in (0, 30, 60):
        occasion = world.enters(citizen, minute=minute)
        world.decide(occasion, minute=minute)
        world.leaves(occasion, minute=minute + 10)

    assert world.gates() == [None, Gate.COOLDOWN, None]


def test_the_cap_counts_a_persons_messages_of_all_campaigns(world: World, citizen: Person) -> None:
    """Two in 24 hours, then there is room again; critical work of a member comes besides."""
    member = make_person(world.session, Purpose.NEARBY, organisation=world.organisation)
    audience = Audience(roles=(Role.CITIZEN, Role.STAFF))
    for number in range(3):
        listing = make_listing(world.session, world.place, title=f"Offer {number}")
        begun = NOON - timedelta(minutes=9 - number)
        world.campaign(listing=listing, audience=audience, published_at=begun)
    world.campaign(
        listing=make_listing(world.session, world.place, title="Burst pipe"),
        audience=audience,
        campaign_class=CampaignClass.CRITICAL,
        published_at=NOON - timedelta(minutes=10),
    )

    told = []
    for person in (citizen, member):
        first = world.enters(person)
        today = world.decide(first)
        world.leaves(first, minute=10)
        tomorrow = world.decide(world.enters(person, minute=1440), minute=1440)
        told.append((len(today), len(tomorrow)))

    assert told == [(2, 2), (3, 3)]
    assert Gate.CAP in world.gates()


def test_the_same_visit_on_a_second_phone_is_a_duplicate(world: World, citizen: Person) -> None:
    """One person, two devices in one pocket: told once."""
    world.campaign()
    on_one, on_two = world.enters(citizen), world.enters(citizen, minute=0.5)

    sent = [*world.decide(on_one), *world.decide(on_two, minute=0.5)]

    assert [decision.transition_id for decision in sent] == [on_one.transition_id]
    assert world.gates() == [None, Gate.DUPLICATE]


@pytest.mark.parametrize("at_once", [True, False], ids=["all at once", "as it happens"])
def test_one_visit_tells_once_however_often_it_may(
    world: World, citizen: Person, *, at_once: bool
) -> None:
    """Whoever comes and goes is told of it once, whether or not the phone kept it until after."""
    world.campaign(triggers=(Trigger.ENTERED, Trigger.EXITED), cooldown=timedelta(0))
    entered = world.enters(citizen)
    # Longer than is looked back for anything but a visit.
    leaves = 9 if at_once else 2 * 1440
    told = [] if at_once else world.decide(entered)
    exited = world.goes_on(entered, Trigger.EXITED, minute=leaves)
    world.leaves(entered, minute=leaves)

    told += world.decide(entered, exited, minute=leaves + 1)
    again = world.decide(world.enters(citizen, minute=4000), minute=4000)

    assert [one.transition_id for one in told] == [entered.transition_id]
    assert world.gates()[:2] == [None, Gate.DUPLICATE]
    assert len(again) == 1


def test_both_phones_in_one_job_are_told_once_too(world: World, citizen: Person) -> None:
    """Each decision sees the one before it."""
    world.campaign()

    sent = world.decide(world.enters(citizen), world.enters(citizen))

    assert len(sent) == 1
    assert sorted(map(str, world.gates())) == ["None", "duplicate"]


def test_two_jobs_that_decide_about_one_person_cannot_both_pass_the_cap(
    committed: SessionFactory,
) -> None:
    """The second waits for the first's commit, and then sees what it decided."""
    with transaction(committed) as session:
        world = make_world(session)
        person = make_person(session, Purpose.NEARBY)
        occasions = []
        for number in range(PERSON_CAP + 1):
            place = make_place(session, world.organisation, name=f"Library {number}")
            world.campaign(listing=make_listing(session, place))
            occasions.append(replace(world.enters(person), place=place))
    *earlier, one, other = occasions
    with transaction(committed) as session:
        deciding.triggered_by(session, earlier, limits=LIMITS, at=NOON)
    sent: list[int] = []

    def work() -> None:
        with transaction(committed) as session:
            sent.append(len(deciding.triggered_by(session, [other], limits=LIMITS, at=NOON)))

    with committed() as first:
        sent.append(len(deciding.triggered_by(first, [one], limits=LIMITS, at=NOON)))
        second = Thread(target=work)
        second.start()
        second.join(timeout=0.3)
        waited = second.is_alive()
        first.commit()
        second.join()

    with committed() as session:
        gates = session.scalars(select(Decision.gate).order_by(Decision.decided_at)).all()
    assert waited
    assert sent == [1, 0]
    assert sorted(map(str, gates)) == ["None", "None", "cap"]


def test_people_are_decided_about_side_by_side(committed: SessionFactory) -> None:
    """Only the same person's decisions wait for each other."""
    with transaction(committed) as session:
        world = make_world(session)
        world.campaign()
        one, other = (world.enters(make_person(session, Purpose.NEARBY)) for _ in range(2))

    with committed() as first, committed() as second:
        sent = deciding.triggered_by(first, [one], limits=LIMITS, at=NOON)
        sent += deciding.triggered_by(second, [other], limits=LIMITS, at=NOON)
        first.commit()
        second.commit()

    assert len(sent) == 2


def test_a_batch_takes_a_handful_of_statements(world: World, statements: list[str]) -> None:
    """Fifty people who enter at once, and three campaigns."""
    for _ in range(3):
        world.campaign()
    people = [make_person(world.session, Purpose.NEARBY) for _ in range(50)]
    occasions = [world.enters(person) for person in people]
    statements.clear()

    sent = world.decide(*occasions)

    assert len(sent) == 50 * PERSON_CAP
    assert len(statements) <= 10


def test_a_decision_sees_those_before_it_in_its_own_batch(world: World, citizen: Person) -> None:
    """The cap, the cooldown and the visit are those of the moment, as if decided one by one."""
    campaign = world.campaign(cooldown=timedelta(0))
    earlier = world.enters(citizen)
    world.decide(earlier)
    world.leaves(earlier, minute=1)
    batch = [world.enters(citizen, minute=2 + number) for number in range(2)]
    world.leaves(batch[0], minute=3)

    world.decide(*batch, minute=4)

    assert campaign.campaign_class == CampaignClass.SERVICE
    assert world.gates() == [None, None, Gate.CAP]
