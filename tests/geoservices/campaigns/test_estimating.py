"""How much a campaign would have sent: by its own cooldown, cap and windows, and of many alone."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from geoservices.access.rights import Role
from geoservices.campaigns.cooldowns import CooldownPer, Spot
from geoservices.campaigns.definitions import Audience
from geoservices.campaigns.estimating import Estimate, Recorded, estimate, in_words
from geoservices.campaigns.rules import CampaignClass, Cap
from geoservices.campaigns.windows import WEEK, Weekly, Window
from tests.factories import NOON, make_definition

CAMPAIGN = UUID(int=7)
HOUR = timedelta(hours=1)
CENTRE = UUID(int=8)
LIBRARY = Spot(place_id=UUID(int=9), parent_id=CENTRE)
THEATRE = Spot(place_id=UUID(int=10), parent_id=CENTRE)
MUSEUM = Spot(place_id=UUID(int=11), parent_id=None)


def came(people: int, *times: datetime, **about: Any) -> list[Recorded]:
    """So many people who each did something at each time."""
    known: dict[str, Any] = {
        "spot": LIBRARY,
        "confidence": 3,
        "role": "citizen",
        "language": "en-GB",
        "team_ids": frozenset(),
        "skills": (),
    }
    return [
        Recorded(person_id=UUID(int=person), occurred_at=at, **{**known, **about})
        for at in times
        for person in range(people)
    ]


def of(recorded: list[Recorded], windows: tuple[Window, ...] = (), **definition: Any) -> Estimate:
    """What a campaign would have made of it."""
    return estimate(
        recorded,
        make_definition(**definition),
        weekly=Weekly(windows=windows, time_zone="UTC"),
        campaign_id=CAMPAIGN,
        campaign_class=CampaignClass.SERVICE,
        smallest=10,
    )


HOURLY = tuple(NOON + number * HOUR for number in range(24))


@pytest.mark.parametrize(
    ("definition", "messages_a_day"),
    [
        pytest.param({"cooldown": timedelta(0)}, 120, id="each time"),
        pytest.param({"cooldown": 12 * HOUR}, 10, id="every twelve hours"),
        pytest.param(
            {"cooldown": timedelta(0), "cap": Cap(messages=4, within=24 * HOUR)}, 20, id="a cap"
        ),
        pytest.param(
            {
                "cooldown": timedelta(0),
                "windows": (Window(days=WEEK, from_=time(12), until=time(18)),),
            },
            30,
            id="six hours of the day",
        ),
        pytest.param({"audience": Role.STAFF}, None, id="nobody of the audience"),
    ],
)
def test_the_campaigns_own_terms_count(
    definition: dict[str, Any], messages_a_day: int | None
) -> None:
    """35 people, one day in a week, every hour."""
    assert of(came(35, *HOURLY), **definition).messages_a_day == messages_a_day


def test_of_few_people_nothing_is_told() -> None:
    """However often they came."""
    few = of(came(9, *HOURLY), cooldown=timedelta(0))

    assert few == Estimate(messages_a_day=None, people=None, smallest=10)
    assert in_words(few) == "fewer than 10 messages"


def test_one_person_more_or_less_is_not_seen() -> None:
    """Two estimates that differ by one person tell the same."""
    assert of(came(12, NOON)) == of(came(13, NOON))
    assert of(came(13, NOON)).people == 10


def test_a_sample_and_what_is_held_out_are_left_out() -> None:
    """About as many as the shares say."""
    shares = Audience(roles=(Role.CITIZEN,), sample=0.5, hold_out=0.5)

    everybody, some = (of(came(1000, NOON), audience=one).people for one in (Role.CITIZEN, shares))

    assert everybody == 1000
    assert some is not None
    assert 180 < some < 320


def test_a_guess_counts_only_where_the_campaign_takes_one() -> None:
    """By the confidence it asks for."""
    guesses = came(20, NOON, confidence=1)

    assert of(guesses).people is None
    assert of(guesses, min_confidence=1).people == 20


@pytest.mark.parametrize(
    ("per", "messages_a_day"),
    [
        pytest.param(CooldownPer.CAMPAIGN, 10, id="anywhere"),
        pytest.param(CooldownPer.PLACE, 30, id="at each place"),
        pytest.param(CooldownPer.PARENT_PLACE, 20, id="in the centre"),
    ],
)
def test_the_cooldown_looks_where_it_does(per: CooldownPer, messages_a_day: int) -> None:
    """70 people go to the library and the theatre of one centre and to a museum, and back."""
    tour = [
        one
        for number, spot in enumerate([LIBRARY, THEATRE, MUSEUM, LIBRARY, THEATRE, MUSEUM])
        for one in came(70, NOON + number * HOUR, spot=spot)
    ]

    found = of(tour, cooldown=12 * HOUR, cooldown_per=per)

    assert found.messages_a_day == messages_a_day


def test_only_those_count_who_have_a_skill_that_is_asked_for() -> None:
    """Of members, some of whom have another one, or none."""
    audience = Audience(roles=(Role.STAFF,), skills=("lifts", "boilers"))
    members = [
        *came(20, NOON, role="staff", skills=("lifts", "first aid")),
        *came(90, NOON, role="staff")[20:50],
        *came(90, NOON, role="staff", skills=("first aid",))[50:],
    ]

    assert of(members, audience=audience).people == 20
