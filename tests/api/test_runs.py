"""Runs of campaigns over HTTP: had begin, looked at, stopped, and refused with what to change."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from tests.api import asking
from tests.api.conftest import with_token
from tests.api.world import World, make_world
from tests.factories import make_access_token


@pytest.fixture
def world(session: Session) -> World:
    """An organisation with a campaign that runs on check-ins and now."""
    return make_world(session)


@pytest.fixture
def manager(anyone: Client, session: Session, world: World) -> Client:
    """A manager of its."""
    token = make_access_token(session, world.organisation)
    session.commit()
    return with_token(anyone, token)


def notice(**changes: Any) -> dict[str, Any]:
    """A campaign of no listing that runs now."""
    return {
        "name": "Closed",
        "triggers": ["now"],
        "audience": {"roles": ["citizen"]},
        "purpose": "nearby",
        "content": asking.saying("Closed today", "All libraries open again tomorrow."),
        **changes,
    }


def published(manager: Client, **changes: Any) -> str:
    """Make and publish it."""
    made = manager.post("/v1/campaigns", json=notice(**changes))
    assert made.status_code == 201, made.text
    path = made.headers["Location"]
    told = manager.put(f"{path}/publication")
    assert told.status_code == 200, told.text
    return str(path)


def test_a_notice_of_nothing_in_particular_is_run_and_stopped(manager: Client) -> None:
    """Again with the same id it is the same run."""
    path, id_ = published(manager), str(uuid4())

    first = manager.post(f"{path}/runs", json={"id": id_})
    again = manager.post(f"{path}/runs", json={"id": id_})
    read = manager.get(first.headers["Location"])
    stopped = [manager.delete(f"{path}/runs/{id_}").status_code for _ in range(2)]
    listed = manager.get(f"{path}/runs").json()["items"]

    assert (first.status_code, again.status_code) == (201, 200)
    assert read.json() == first.json() == again.json()
    assert (read.json()["state"], read.json()["sent"], read.json()["held"]) == (
        "under-way",
        None,
        None,
    )
    assert stopped == [204, 204]
    assert [(one["id"], one["state"]) for one in listed] == [(id_, "stopped")]
    assert manager.get(path).json()["listing_id"] is None


def test_counts_are_told_in_steps_and_of_few_not_at_all(manager: Client, world: World) -> None:
    """Of 1,234 people it came to 131: 123 were told, seven held, and one was left out."""
    campaign_id, run_id = world.ids["campaign_id"], world.ids["campaign_run_id"]

    told = manager.get(f"/v1/campaigns/{campaign_id}/runs/{run_id}").json()

    assert (told["people"], told["gone_through"]) == (1230, 130)
    assert (told["sent"], told["held"], told["failed"]) == (120, None, None)
    assert told["trigger"] == "now"


def test_telling_citizens_again_within_the_hour_is_refused(manager: Client) -> None:
    """With how many they would be, and how long to wait."""
    path = published(manager)
    manager.post(f"{path}/runs", json={})

    refused = manager.post(f"{path}/runs", json={})

    problem = refused.json()
    assert (refused.status_code, problem["type"]) == (429, "/problems/runs-too-often")
    assert "fewer than 10 people" in problem["detail"]
    assert 0 < problem["retry_after_s"] <= 3600


def test_a_draft_does_not_run(manager: Client) -> None:
    """The problem says how far it is."""
    path = manager.post("/v1/campaigns", json=notice()).headers["Location"]

    refused = manager.post(f"{path}/runs", json={})

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/campaign-not-live")
    assert "It is draft." in refused.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        (
            {"triggers": ["schedule"], "timetable": {"starts_at": "2027-01-01T09:00:00Z"}},
            None,
            None,
        ),
        (
            {
                "triggers": ["schedule"],
                "timetable": {"starts_at": "2027-01-01T09:00:00Z", "rule": "FREQ=DAILY"},
            },
            "timetable-refused",
            "/timetable/rule",
        ),
        (
            {
                "triggers": ["schedule"],
                "timetable": {"starts_at": "2027-01-01T09:00:00Z", "rule": "every day"},
            },
            "recurrence-refused",
            "/timetable/rule",
        ),
        ({"triggers": ["schedule"]}, "timetable-refused", "/timetable"),
        ({"triggers": ["entered"]}, "places-missing", "/places"),
        (
            {"audience": {"roles": ["citizen"], "visited": "returning"}},
            "audience-contradictory",
            "/audience/visited",
        ),
        ({"after_holding": "release"}, None, None),
        ({"after_holding": "release-if-there"}, "release-refused", "/after_holding"),
        ({"triggers": ["task-created"]}, "places-missing", "/places"),
        (
            {"content": asking.saying("{listing}")},
            "placeholder-empty",
            "/content/0/texts/en-GB/title",
        ),
    ],
)
def test_triggers_that_lack_something_are_refused(
    manager: Client, changes: dict[str, Any], code: str | None, field: str | None
) -> None:
    """Saying what."""
    answer = manager.post("/v1/campaigns", json=notice(**changes))

    wanted = (f"/problems/{code}", field) if code else (None, None)
    assert (answer.json().get("type"), answer.json().get("field")) == wanted
    assert answer.status_code == (422 if code else 201)


def test_a_rule_is_told_in_its_one_form(manager: Client) -> None:
    """However it was written."""
    timetable = {"starts_at": "2027-01-01T09:00:00Z", "rule": "rrule:count=3;freq=daily"}

    made = manager.post("/v1/campaigns", json=notice(triggers=["schedule"], timetable=timetable))

    assert made.json()["timetable"]["rule"] == "FREQ=DAILY;COUNT=3"
