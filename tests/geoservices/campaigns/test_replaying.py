"""A replay decides what was decided live: the same gates, whatever the campaign and the people."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation, Person, Purpose
from geoservices.campaigns.cooldowns import CooldownPer
from geoservices.campaigns.definitions import Audience, Condition, Did, PlaceSet, Schedule, Visited
from geoservices.campaigns.rules import CampaignClass, Cap, Gate, Trigger
from geoservices.campaigns.windows import WEEK, Window
from geoservices.interests import queries as interests
from geoservices.interests.queries import TopicKey
from geoservices.notifications.models import Notification
from geoservices.offers.models import Offer
from geoservices.settings.presence import CampaignSettings
from tests.factories import (
    NOON,
    make_campaign,
    make_listing,
    make_person,
)
from tests.replaying import COUNTED, Town, gates_in, make_town
from tests.walking import SETTINGS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TRIGGERS = (Trigger.ENTERED, Trigger.DWELLED, Trigger.EXITED, Trigger.CHECKED_IN)
BEGINS = (
    NOON,
    datetime(2026, 3, 28, 18, tzinfo=UTC),  # Clocks go forward in the night.
    datetime(2026, 10, 24, 18, tzinfo=UTC),  # And back.
)
SEEDS = 12
BESIDES: Sequence[Callable[[UUID], dict[str, Any]]] = (
    lambda _other: {
        "has": (Condition(did=Did.CHECKED_IN, within=DAY),),
        "hold_out": 0.5,
    },
    lambda other: {
        "has_not": (Condition(did=Did.OPENED, of=other, within=HOUR),),
        "interests": ("owls",),
        "at_most": 1,
    },
)
"""What audiences ask for besides, of what people did and of how many; given the other campaign."""
TIGHT = SETTINGS.model_copy(
    update={"campaigns": CampaignSettings(person_cap=4, offer_cap=3, service_cap=3, place_cap=2)}
)


@pytest.fixture
def town(session: Session) -> Town:
    """Two libraries in the test's own transaction."""
    return make_town(session)


def draw_definition(lots: random.Random) -> dict[str, Any]:
    """Whatever a campaign may ask for; most ask for little."""

    def seldom(*values: Any, unless: Any) -> Any:
        return lots.choice(values) if lots.random() < 0.3 else unless

    days = tuple(lots.sample(WEEK, 4))
    begins, ends = time(lots.randrange(24), 21, 9), time(lots.randrange(24), 30)
    window = Window(days=days, from_=begins, until=ends)
    cap = Cap(messages=lots.randint(1, 3), within=lots.choice([HOUR, DAY, 3 * DAY]))
    return {
        "triggers": tuple(lots.sample(TRIGGERS, lots.randint(1, 4))),
        "audience": Audience(
            roles=seldom((Role.CITIZEN,), unless=(Role.CITIZEN, Role.STAFF)),
            languages=seldom(("cy",), ("en", "cy"), unless=()),
            visited=seldom(*Visited, unless=None),
            visited_within=lots.choice([DAY, 3 * DAY]),
            sample=seldom(0.5, unless=1.0),
            hold_out=seldom(0.5, unless=0.0),
        ),
        "min_confidence": lots.randint(1, 3),
        "only_when_open": seldom(True, unless=False),
        "cooldown": lots.choice([timedelta(0), HOUR, 12 * HOUR]),
        "cooldown_per": lots.choice(list(CooldownPer)),
        "cap": seldom(cap, unless=None),
        "campaign_class": lots.choice(list(CampaignClass)),
        "schedule": Schedule(windows=seldom((window,), unless=())),
    }


def draw_doings(lots: random.Random, people: Sequence[Person]) -> list[dict[str, Any]]:
    """What people do one after another, in some days."""
    return [
        {
            "person": people[lots.choice([0, 0, 0, 1, 1, 2, 3])],
            "place": lots.randrange(3),
            "kind": lots.choice(TRIGGERS),
            "after": timedelta(minutes=lots.choice([1, 5, 20, 60, 300])),
            "late": timedelta(minutes=lots.choice([*[0] * 8, 10, 30])),
            "confidence": lots.choice([1, 2, 3, 3, 3]),
        }
        for _ in range(60)
    ]


def open_all(session: Session, *, at: datetime) -> None:
    """Have everybody read what they were told."""
    session.execute(update(Notification).where(Notification.read_at.is_(None)).values(read_at=at))


def make_crowd(session: Session, organisation: Organisation) -> Sequence[Person]:
    """Four people who differ in what campaigns look at."""
    people = [
        make_person(session, *COUNTED),
        make_person(session, *COUNTED),
        make_person(session, Purpose.CHECK_IN_CONTENT, Purpose.STATISTICS),
        make_person(session, *COUNTED, organisation=organisation),
    ]
    people[0].quiet_from, people[0].quiet_until = time(21), time(7, 30)
    people[1].language, people[1].time_zone = "cy", "America/New_York"
    owls = TopicKey(organisation.id, "owls")
    interests.save_topic(session, owls, {"en-GB": "Owls"}, at=NOON)
    for person in people[:2]:
        interests.replace_interests(session, person.id, [owls], at=NOON)
    return people


def played(session: Session, seed: int) -> Sequence[str | None]:
    """Play some days live, then again; return the gates once both are the same."""
    lots = random.Random(seed)  # noqa: S311
    begins = BEGINS[seed % len(BEGINS)]
    town = make_town(session, places=3)
    town.settings = TIGHT
    first, second, third = town.places
    first.opening_hours, third.opening_hours = "Mo-Fr 08:00-20:00; Sa 10:00-14:00", None
    second.parent_id = first.id
    assert isinstance(town.listing, Offer)
    if seed % 3 == 1:
        town.listing.window_starts_at, town.listing.window_length = NOON - DAY, 8 * HOUR
        town.listing.window_rule = "FREQ=DAILY"
    everywhere = PlaceSet(ids=tuple(place.id for place in town.places))
    tea = make_listing(session, second, title="Tea")
    # Of two that speak on one occasion, the one that was published last speaks last.
    other = make_campaign(
        session,
        tea,
        places=everywhere,
        published_at=begins - HOUR,
        triggers=TRIGGERS,
        cooldown=timedelta(0),
    )
    asked = draw_definition(lots)
    if seed >= SEEDS:
        besides = BESIDES[seed - SEEDS](other.id)
        asked["audience"] = Audience(roles=(Role.CITIZEN, Role.STAFF), **besides)
        asked["triggers"], asked["min_confidence"] = TRIGGERS, 1
        asked["cap"], asked["cooldown"] = Cap(messages=1, within=3 * DAY), timedelta(0)
    campaign = make_campaign(session, town.listing, places=everywhere, published_at=begins, **asked)
    at = begins
    for one in draw_doings(lots, make_crowd(session, town.organisation)):
        at += one.pop("after")
        town.live(one.pop("person"), one.pop("kind"), at=at, **one)
        at += one["late"]
        if seed >= SEEDS and lots.random() < 0.3:
            open_all(session, at=at + timedelta(seconds=1))

    replayed = gates_in(town.replay(campaign, since=begins, until=at))

    assert replayed == town.decided(campaign), f"by seed {seed}: {asked}"
    return [gate for _person, gate in replayed]


def test_a_replay_decides_what_was_decided_live(session: Session) -> None:
    """By any campaign and of anybody, also while clocks change, with another campaign beside it.

    Every gate held something back, but for those that nothing recorded comes to: who agreed to
    nothing is not recorded, nor is anybody at a sensitive place, nothing waited before, and only
    runs ask when somebody works.
    """
    seen: set[str | None] = set()
    for seed in range(SEEDS + len(BESIDES)):
        with session.begin_nested() as within:
            seen |= set(played(session, seed))
            within.rollback()
        session.expunge_all()

    never = {Gate.CONSENT, Gate.SENSITIVE_PLACE, Gate.RELEVANCE, Gate.WORKING_HOURS}
    assert seen == {None, *Gate} - never


def test_members_without_the_skill_are_told_in_neither(town: Town) -> None:
    """A campaign that asks for one decides on those alone who have it, live and in its replay."""
    able, other = (
        make_person(town.session, Purpose.STAFF_TASKS, *COUNTED, organisation=town.organisation)
        for _ in range(2)
    )
    able.skills, other.skills = ["lifts"], ["boilers"]
    audience = Audience(roles=(Role.STAFF,), skills=("lifts", "first aid"))
    campaign = make_campaign(
        town.session, town.listing, purpose=Purpose.STAFF_TASKS, audience=audience
    )
    for minute, person in enumerate([able, other], start=1):
        town.live(person, Trigger.ENTERED, at=NOON + timedelta(minutes=minute))

    replayed = gates_in(town.replay(campaign, until=NOON + HOUR))

    assert replayed == town.decided(campaign) == [(able.id, None)]
