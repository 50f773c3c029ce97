"""What came of campaigns, over HTTP: of crowds only."""

from datetime import timedelta
from uuid import UUID

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.campaigns.definitions import Goal, GoalKind
from geoservices.campaigns.models import Campaign
from geoservices.campaigns.rules import Gate
from geoservices.settings.service import Settings
from tests.api.asking import campaign, check_in
from tests.api.telling import tell
from tests.campaigning import World
from tests.factories import NOON, make_geofence, make_listing, make_place
from tests.reckoning import count, decided, people, redeem

GOAL = Goal(kind=GoalKind.REDEEMED, within=timedelta(days=2), target=0.1)
SECRETS = ("person_id", "device_id", "decided_at", "check_in_id", "transition_id")


@pytest.fixture
def world(session: Session, organisation: Organisation) -> World:
    """A library of Devon's with an offer."""
    place = make_place(session, organisation)
    return World(
        session, organisation, place, make_geofence(session, place), make_listing(session, place)
    )


@pytest.fixture
def counted(world: World, settings: Settings) -> Campaign:
    """A campaign that has ended, after it told 100 people, and is counted."""
    made = world.campaign(goal=GOAL, effort="5 hours", ended_at=NOON + timedelta(hours=1))
    told, held_out = people(world.session, 100), people(world.session, 50)
    decided(world, made, told)
    decided(world, made, held_out, gate=Gate.HOLD_OUT)
    decided(world, made, people(world.session, 9), gate=Gate.QUIET_HOURS)
    redeem(world, told[:50])
    count(world.session, made, settings=settings)
    world.session.commit()
    return made


def test_an_outcome_has_the_funnel_the_share_and_the_verdict(
    manager: Client, counted: Campaign
) -> None:
    """And says all of it in sentences."""
    answer = manager.get(f"/v1/campaigns/{counted.id}/outcome")

    told = answer.json()
    assert answer.status_code == 200, answer.text
    assert told["told"] == {
        "sent": 100,
        "accepted": None,
        "shown": None,
        "opened": None,
        "goal": 50,
        "messages": None,
    }
    assert (told["eligible"], told["held"], told["state"]) == (150, [], "ended")
    assert told["hold_out"] == {"people": 50, "goal": None}
    assert told["goal"] == {"kind": "redeemed", "within": "P2D", "target": 0.1}
    assert told["goal_share"]["share"] == pytest.approx(0.5)
    assert told["difference"]["low"] > 0
    assert (told["verdict"], told["is_final"], told["hours_each"]) == ("met", True, 0.1)
    assert told["rounds"] == [
        {"first_day": "2026-03-04", "last_day": "2026-03-04", "versions": [1]}
    ]
    [variant] = told["variants"]
    assert (variant["variant"], variant["sent"]) == ("a", 100)
    assert (
        "Met: it is sure enough that the share is not below the target of 10 %." in told["summary"]
    )


@pytest.mark.parametrize(
    ("asked", "eligible"),
    [
        ("version=1", 150),
        ("version=2", None),
        ("first=2026-03-04&last=2026-03-04", 150),
        ("first=2026-03-05", None),
        ("last=2026-03-03", None),
    ],
)
def test_whole_rounds_are_asked_for(
    manager: Client, counted: Campaign, asked: str, eligible: int | None
) -> None:
    """By the versions in force and by days."""
    answer = manager.get(f"/v1/campaigns/{counted.id}/outcome?{asked}")

    assert answer.json()["eligible"] == eligible


@pytest.mark.parametrize(
    ("asked", "field"), [("version=0", "/version"), ("first=soon", "/first"), ("last=", "/last")]
)
def test_what_cannot_be_asked_for_is_named(
    manager: Client, counted: Campaign, asked: str, field: str
) -> None:
    """The problem says which member it is."""
    answer = manager.get(f"/v1/campaigns/{counted.id}/outcome?{asked}")

    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_nobody_sees_what_one_person_did(
    manager: Client, citizen: Client, session: Session, world: World, settings: Settings
) -> None:
    """Somebody was told, and told no more: managers see neither, the person both."""
    body = campaign(world.listing.id, min_confidence=1)
    session.commit()
    address = manager.post("/v1/campaigns", json=body).headers["location"]
    manager.put(f"{address}/publication")
    for _ in range(2):
        citizen.post("/v1/check-ins", json=check_in(world.place.id))
        tell(session, settings)
    manager.delete(f"{address}/publication")
    made = session.get_one(Campaign, UUID(address.rsplit("/", 1)[1]))
    at = made.published_at
    assert at is not None
    count(session, made, settings=settings, at=at + timedelta(days=5))
    session.commit()

    told = manager.get(f"{address}/outcome").json()
    mine = citizen.get("/v1/decisions").json()["items"]

    assert (told["is_final"], told["eligible"], told["held"]) == (True, None, [])
    assert set(told["told"].values()) == {None}
    assert not any(secret in str(told) for secret in SECRETS)
    assert [one["gate"] for one in mine] == ["cooldown", None]
    for superseded in ("outcomes", "decisions"):
        assert manager.get(f"{address}/{superseded}").status_code == 404
