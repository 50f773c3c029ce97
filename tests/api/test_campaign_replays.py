"""Replays over HTTP: asked for, waited for, read, cancelled; and what is wrong said in words."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.campaigns import replays
from geoservices.campaigns.lifecycle import ReplayState
from geoservices.campaigns.replay_models import CampaignReplay
from geoservices.campaigns.replaying_results import stored
from geoservices.campaigns.rules import Gate
from tests.api.asking import campaign, now
from tests.factories import make_geofence, make_listing, make_place
from tests.replaying import Town, make_people
from tests.walking import SETTINGS


@pytest.fixture
def address(manager: Client, session: Session, organisation: Organisation) -> str:
    """The address of a draft's replays, at a library to which 30 people came an hour ago."""
    place = make_place(session, organisation)
    geofence = make_geofence(session, place)
    listing = make_listing(session, place, title="Story time")
    town = Town(session, organisation, [place], [geofence], listing)
    for person in make_people(session, 30):
        town.comes(person, at=now() - timedelta(hours=1))
    session.commit()
    made = manager.post(
        "/v1/campaigns",
        json=campaign(listing.id, triggers=["entered"], purpose="nearby"),
    )
    assert made.status_code == 201, made.text
    return f"{made.headers['location']}/replays"


def work(session: Session, replay_id: str) -> None:
    """Do what a worker does, in the test's own transaction."""
    replay = session.get_one(CampaignReplay, UUID(replay_id))
    result = replays.replay_now(session, replay, lambda _at: None, settings=SETTINGS)
    replay.state, replay.done_at, replay.share_done = ReplayState.DONE, now(), 1.0
    replay.result = stored(result)
    session.commit()


def test_a_replay_is_asked_for_and_read(manager: Client, session: Session, address: str) -> None:
    """From the question to the sentences; the gates come in their order, each in words."""
    asked = manager.post(address, json={"days": 3})
    assert asked.status_code == 202, asked.text
    waiting = asked.json()
    assert (waiting["state"], waiting["share_done"], waiting["result"]) == ("queued", 0.0, None)
    assert asked.headers["location"] == f"{address}/{waiting['id']}"

    work(session, waiting["id"])

    told = manager.get(asked.headers["location"]).json()
    assert (told["state"], told["share_done"]) == ("done", 1.0)
    result = told["result"]
    assert result["sent"]["people"] >= 20
    assert [one["gate"] for one in result["gates"]] == list(Gate)
    assert all(one["in_words"].endswith(".") for one in result["gates"])
    assert result["summary"][0].startswith("In the last 3 days it would have sent about ")
    assert [one["id"] for one in manager.get(address).json()["items"]] == [waiting["id"]]


def test_asking_again_is_safe_and_one_is_made_at_a_time(manager: Client, address: str) -> None:
    """By its id; another one is told which it waits for, or that the id is taken."""
    body = {"id": str(uuid4()), "days": 7}

    first, again = (manager.post(address, json=body) for _ in range(2))
    other = manager.post(address, json={"days": 7})
    taken = manager.post(address, json={**body, "days": 8})

    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"] == body["id"]
    assert (other.status_code, other.json()["type"]) == (409, "/problems/replay-under-way")
    assert body["id"] in other.json()["detail"]
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/id-taken")


def test_a_replay_is_cancelled(manager: Client, address: str) -> None:
    """Again changes nothing; then another may be asked for."""
    one = manager.post(address, json={}).headers["location"]

    assert [manager.delete(one).status_code for _ in range(2)] == [204, 204]
    assert manager.get(one).json()["state"] == "cancelled"
    assert manager.post(address, json={}).status_code == 202


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"days": 0}, 422, id="no day"),
        pytest.param({"days": 31}, 422, id="longer than visits are kept"),
        pytest.param({"days": "7"}, 422, id="a text"),
        pytest.param({"version": 9}, 404, id="a version that there is not"),
        pytest.param({"since": "2026-01-01"}, 422, id="something else"),
    ],
)
def test_bad_questions_are_refused(
    manager: Client, address: str, body: dict[str, Any], status: int
) -> None:
    """With a problem, and nothing is asked."""
    assert manager.post(address, json=body).status_code == status
    assert manager.get(address).json()["items"] == []


def test_a_replay_is_its_campaigns(manager: Client, address: str) -> None:
    """At another address it is not found."""
    one = manager.post(address, json={}).json()["id"]

    assert manager.get(f"/v1/campaigns/{uuid4()}/replays/{one}").status_code == 404
    assert manager.get(f"{address}/{uuid4()}").status_code == 404
    assert manager.delete(f"{address}/{uuid4()}").status_code == 404
