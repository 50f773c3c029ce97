"""Caps on classes and places, and cooldowns per place, on real rows and under fifty at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select, text

from geoservices import outbox, pipeline
from geoservices.access.rights import Role
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import deciding
from geoservices.campaigns.cooldowns import CooldownPer
from geoservices.campaigns.definitions import PlaceSet
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.rules import CampaignClass, Cap, Gate
from geoservices.database import SessionFactory, make_engine, make_session_factory, transaction
from geoservices.outbox import OutboxMessage, Topic
from geoservices.places.models import Place
from tests.campaigning import A_DAY, LIMITS, World, make_world
from tests.factories import NOON, make_geofence, make_listing, make_person, make_place
from tests.walking import SETTINGS

ROOMY = replace(LIMITS, person_cap=Cap(messages=100, within=A_DAY))
CLIENTS = 50


def beside(world: World, parent: Place | None = None) -> World:
    """The same at another place, which may be part of a third."""
    place = make_place(world.session, world.organisation, name="Another")
    place.parent_id = parent.id if parent else None
    return replace(world, place=place, geofence=make_geofence(world.session, place))


def anywhere(world: World, *places: Place, **changes: object) -> Campaign:
    """A campaign for some places."""
    return world.campaign(
        listing=make_listing(world.session, world.place),
        places=PlaceSet(ids=tuple(place.id for place in places)),
        **changes,
    )


def gates(world: World, person: Person) -> list[str | None]:
    """By which gates what was decided about somebody was held, in the order of deciding."""
    world.session.flush()
    return list(
        world.session.scalars(
            select(Decision.gate)
            .where(Decision.person_id == person.id)
            .order_by(Decision.decided_at)
        )
    )


def test_a_class_has_its_own_cap(world: World, citizen: Person) -> None:
    """Two offers a day; services come through, and count for themselves."""
    limits = replace(ROOMY, class_caps={CampaignClass.OFFER: Cap(messages=2, within=A_DAY)})
    for number in range(3):
        world.campaign(
            listing=make_listing(world.session, world.place, title=f"Offer {number}"),
            campaign_class=CampaignClass.OFFER,
        )
    for _ in range(3):
        world.campaign(listing=make_listing(world.session, world.place))

    sent = world.decide(world.enters(citizen), limits=limits)

    [held] = world.session.scalars(select(Decision).where(Decision.gate.is_not(None)))
    assert len(sent) == 5
    assert held.gate == Gate.CLASS_CAP
    assert held.reason == (
        "The person got 2 messages of the class offer in the last 24 hours; 2 are allowed."
    )
    assert held.detail == {"campaign_class": "offer", "told_of_class": 2, "class_cap": 2}


def test_a_place_has_its_own_cap(world: World) -> None:
    """Once told here, and once next door; critical work is told of all the same."""
    member = make_person(world.session, Purpose.NEARBY, organisation=world.organisation)
    limits = replace(ROOMY, place_cap=Cap(messages=1, within=A_DAY))
    other = beside(world)
    for place in (world.place, other.place):
        for _ in range(2):
            anywhere(world, place, audience=Role.STAFF)
    anywhere(world, world.place, audience=Role.STAFF, campaign_class=CampaignClass.CRITICAL)

    here = world.decide(world.enters(member), limits=limits)
    there = other.decide(other.enters(member), minute=1, limits=limits)

    held = world.session.scalars(select(Decision).where(Decision.gate.is_not(None))).all()
    assert (len(here), len(there)) == (2, 1)
    assert {one.gate for one in held} == {Gate.PLACE_CAP}
    assert held[0].reason == (
        "The person was told 1 thing at this place in the last 24 hours; 1 are allowed."
    )


@pytest.mark.parametrize(
    ("per", "expected"),
    [
        pytest.param(
            CooldownPer.CAMPAIGN, [None, Gate.COOLDOWN, Gate.COOLDOWN, Gate.COOLDOWN], id="anywhere"
        ),
        pytest.param(CooldownPer.PLACE, [None, None, None, Gate.COOLDOWN], id="at each place"),
        pytest.param(
            CooldownPer.PARENT_PLACE, [None, Gate.COOLDOWN, None, Gate.COOLDOWN], id="in the centre"
        ),
    ],
)
def test_a_cooldown_holds_where_it_looks(
    world: World, citizen: Person, per: CooldownPer, expected: list[str | None]
) -> None:
    """Told in the library of a centre, then in its theatre, elsewhere, and in the library again."""
    centre = make_place(world.session, world.organisation, name="Centre")
    library, theatre, elsewhere = beside(world, centre), beside(world, centre), beside(world)
    anywhere(
        world,
        *(one.place for one in (library, theatre, elsewhere)),
        cooldown=timedelta(hours=3),
        cooldown_per=per,
    )

    for minute, one in enumerate([library, theatre, elsewhere, library]):
        occasion = one.enters(citizen, minute=minute * 10)
        one.decide(occasion, minute=minute * 10, limits=ROOMY)
        one.leaves(occasion, minute=minute * 10 + 5)
    later = library.decide(library.enters(citizen, minute=240), minute=240, limits=ROOMY)

    assert gates(world, citizen)[:4] == expected
    assert len(later) == 1


def test_two_open_visits_are_two_where_the_cooldown_is_per_place(
    world: World, citizen: Person
) -> None:
    """Inside the centre and its library at once: a duplicate only if both count as one."""
    library = beside(world, world.place)
    for per in CooldownPer:
        anywhere(world, world.place, library.place, cooldown=timedelta(hours=3), cooldown_per=per)

    world.decide(world.enters(citizen), limits=ROOMY)
    inside = library.decide(library.enters(citizen, minute=1), minute=1, limits=ROOMY)

    assert len(inside) == 1
    assert Counter(gates(world, citizen)) == {None: 4, Gate.DUPLICATE: 2}


def test_caps_hold_with_fifty_at_once(committed: SessionFactory, database_url: str) -> None:
    """Fifty transactions decide about one person at the same time: never over any cap."""
    limits = replace(
        LIMITS,
        person_cap=Cap(messages=7, within=A_DAY),
        class_caps={
            CampaignClass.OFFER: Cap(messages=3, within=A_DAY),
            CampaignClass.SERVICE: Cap(messages=5, within=A_DAY),
        },
        place_cap=Cap(messages=2, within=A_DAY),
    )
    with transaction(committed) as session:
        world = make_world(session)
        person = make_person(session, Purpose.NEARBY)
        towns = [beside(world) for _ in range(5)]
        for town in towns:
            for class_ in (CampaignClass.OFFER, CampaignClass.SERVICE):
                anywhere(
                    town,
                    town.place,
                    campaign_class=class_,
                    cooldown=timedelta(0),
                    published_at=NOON,
                )
        occasions = [
            towns[number % 5].enters(person, minute=number / 100) for number in range(CLIENTS)
        ]
        for occasion in occasions:
            world.leaves(occasion, minute=1)
    engine = make_engine(database_url, pool_size=CLIENTS)
    sessions = make_session_factory(engine)
    together = Barrier(CLIENTS)

    def come(number: int) -> int:
        with transaction(sessions) as session:
            # What is asked is whether caps hold, not how long fifty wait on a busy machine.
            session.execute(text("SET LOCAL lock_timeout = '100s'"))
            session.execute(text("SET LOCAL statement_timeout = '100s'"))
            together.wait(timeout=60)
            at = NOON + timedelta(minutes=2)
            return len(deciding.triggered_by(session, [occasions[number]], limits=limits, at=at))

    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = sum(pool.map(come, range(CLIENTS)))
    engine.dispose()

    with committed() as session:
        told = session.execute(
            select(Decision.place_id, Campaign.campaign_class)
            .join(Campaign, Campaign.id == Decision.campaign_id)
            .where(Decision.gate.is_(None))
        ).all()
    assert sent == len(told) == 7
    assert max(Counter(place for place, _ in told).values()) <= 2
    classes = Counter(class_ for _, class_ in told)
    assert classes[CampaignClass.OFFER] <= 3
    assert classes[CampaignClass.SERVICE] <= 5


@pytest.mark.parametrize(
    ("people", "campaigns"),
    [pytest.param(200, 2, id="200 people"), pytest.param(1, 100, id="100 campaigns")],
)
def test_statements_do_not_grow(
    world: World, statements: list[str], people: int, campaigns: int
) -> None:
    """As many for one who meets two campaigns as for very many of either, told in one push."""
    one = sent_for(world, statements, people=1, campaigns=2)

    many = sent_for(beside(world), statements, people=people, campaigns=campaigns)

    assert one
    assert many == one


def sent_for(world: World, statements: list[str], *, people: int, campaigns: int) -> int:
    """How many statements it takes to decide on people who come where campaigns are."""
    for _ in range(campaigns):
        anywhere(world, world.place)
    occasions = [world.enters(make_person(world.session, Purpose.NEARBY)) for _ in range(people)]
    ids = [occasion.transition_id for occasion in occasions if occasion.transition_id]
    outbox.publish(world.session, Topic.TRANSITION_MADE, ids)
    waiting = list(world.session.scalars(select(OutboxMessage.id)))
    world.session.flush()
    world.session.expunge_all()
    statements.clear()

    made = pipeline.decide(world.session, waiting, settings=SETTINGS, at=NOON)

    assert len(made) >= people
    return len(statements)
