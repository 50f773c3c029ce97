"""How much a campaign would have sent: by its own cooldown, cap and windows, and of many alone."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from geoservices.access.rights import Role
from geoservices.campaigns.cooldowns import CooldownPer, Spot
from geoservices.campaigns.definitions import Audience
from geoservices.campaigns.estimating import (
    Estimate,
    OfRuns,
    Recorded,
    estimate,
    estimate_runs,
    in_words,
)
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
        Recorded(person_id=UUID(int=person), occurred_at=at, **{"left_at": at, **known, **about})
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


def of_runs(
    count: int,
    moments: list[datetime] | None,
    windows: tuple[Window, ...] = (),
    **definition: Any,
) -> OfRuns:
    """What its runs come to."""
    return estimate_runs(
        count,
        moments,
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


@pytest.mark.parametrize(
    ("left_at", "messages_a_day"),
    [
        pytest.param(None, 10, id="still there"),
        pytest.param(NOON + 3 * HOUR, 10, id="left with the last"),
        pytest.param(NOON + 2 * HOUR, 20, id="left before"),
    ],
)
def test_nobody_is_told_again_on_the_same_visit(
    left_at: datetime | None, messages_a_day: int
) -> None:
    """As the gate `duplicate` has it, however short the cooldown is."""
    came_and_stayed = came(70, NOON, NOON + HOUR, left_at=left_at)
    later = came(70, NOON + 2 * HOUR, left_at=NOON + 3 * HOUR)

    found = of([*came_and_stayed, *later], cooldown=timedelta(0))

    assert found.messages_a_day == messages_a_day


def test_leaving_is_of_the_visit_that_is_over_by_it() -> None:
    """Whoever was told on entering is not told on leaving, and may be the next time."""
    stays = [
        came(70, at, at + HOUR, left_at=at + HOUR, visit_id=UUID(int=number))
        for number, at in enumerate((NOON, NOON + 2 * HOUR))
    ]

    assert of([*stays[0], *stays[1]], cooldown=timedelta(0)).messages_a_day == 20


@pytest.mark.parametrize(
    ("definition", "windows", "messages_a_day"),
    [
        pytest.param({"cooldown": timedelta(0)}, (), 210, id="each of them"),
        pytest.param({"cooldown": 12 * HOUR}, (), 20, id="a cooldown"),
        pytest.param(
            {"cap": Cap(messages=4, within=48 * HOUR), "cooldown": HOUR}, (), 40, id="cap"
        ),
        pytest.param(
            {"cooldown": timedelta(0)},
            (Window(days=WEEK, from_=time(13), until=time(16)),),
            30,
            id="three hours of the day",
        ),
        pytest.param(
            {
                "cooldown": timedelta(0),
                "audience": Audience(roles=(Role.CITIZEN,), sample=0.8, hold_out=0.25),
            },
            (),
            125,
            id="shares",
        ),
        pytest.param(
            {
                "cooldown": timedelta(0),
                "audience": Audience(roles=(Role.CITIZEN,), sample=0.5, at_most=20),
            },
            (),
            60,
            id="so many at most, of those whom the lot falls on",
        ),
    ],
)
def test_a_timetable_comes_to_what_its_runs_tell(
    definition: dict[str, Any], windows: tuple[Window, ...], messages_a_day: int
) -> None:
    """70 people, 21 runs from noon to the next morning, as far as its own terms let them."""
    found = of_runs(70, [NOON + number * HOUR for number in range(21)], windows, **definition)

    assert found.messages_a_day == messages_a_day
    assert found.in_a_week == 21


def test_nobody_knows_how_often_somebody_will_ask() -> None:
    """So of other triggers it is told whom each run would reach; of few people, not even that."""
    assert of_runs(33, None) == OfRuns(people=30, in_a_week=None, messages_a_day=None)
    assert of_runs(9, [NOON]) == OfRuns(people=None, in_a_week=1, messages_a_day=None)


def test_an_estimate_in_words() -> None:
    """As managers and whoever is refused read it."""

    def words(runs: OfRuns) -> str:
        return in_words(Estimate(messages_a_day=40, people=20, smallest=10, runs=runs))

    assert words(of_runs(33, None)) == (
        "About 40 messages a day. Each run would tell about 30 people."
    )
    assert words(of_runs(70, [NOON])) == (
        "About 40 messages a day. Each run would tell about 70 people; its timetable has 1 run in "
        "its first week, which comes to about 10 messages a day."
    )


def test_of_few_people_nothing_is_told() -> None:
    """However often they came."""
    few = of(came(9, *HOURLY), cooldown=timedelta(0))

    assert few == Estimate(messages_a_day=None, people=None, smallest=10)
    assert in_words(few) == "Fewer than 10 messages a day."


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
