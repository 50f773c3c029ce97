"""Topics and interests over HTTP: offered, chosen, told for, explained, and forgotten."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.interests.models import Interest
from geoservices.settings.service import Settings
from tests.api.asking import campaign, check_in
from tests.api.telling import tell
from tests.factories import make_listing, make_place

OWLS = {"names": {"en-GB": "Owls by night", "cy": "Tylluanod"}}


def chosen(*keys: str, of: Organisation) -> dict[str, Any]:
    """What somebody sends who wants to hear of these."""
    return {"interests": [{"organisation_id": str(of.id), "key": key} for key in keys]}


def test_what_people_want_to_hear_of_is_theirs_to_choose(
    manager: Client, citizen: Client, anyone: Client, organisation: Organisation, session: Session
) -> None:
    """Everyone sees what there is; a list takes the place of the one before; all of it is shown."""
    for key in ("owls", "story-time"):
        assert manager.put(f"/v1/topics/{key}", json=OWLS).json()["names"] == OWLS["names"]
    listed = anyone.get("/v1/topics", params={"limit": 1}).json()
    assert [one["key"] for one in listed["items"]] == ["owls"]
    assert [one["key"] for one in anyone.get(listed["next"]).json()["items"]] == ["story-time"]

    first = citizen.put("/v1/me/interests", json=chosen("owls", of=organisation)).json()
    both = citizen.put("/v1/me/interests", json=chosen("story-time", "owls", of=organisation))
    again = citizen.put("/v1/me/interests", json=chosen("owls", "story-time", of=organisation))

    told = {one["key"]: one["chosen_at"] for one in both.json()["interests"]}
    assert told.keys() == {"owls", "story-time"}
    assert told["owls"] == first["interests"][0]["chosen_at"]
    assert again.json() == both.json() == citizen.get("/v1/me/interests").json()
    shown = citizen.get("/v1/me/data/interests").json()["items"]
    assert {(one["topic"], one["organisation"]) for one in shown} == {
        ("owls", organisation.name),
        ("story-time", organisation.name),
    }

    assert manager.delete("/v1/topics/owls").status_code == 204
    assert manager.delete("/v1/topics/owls").status_code == 204
    left = citizen.get("/v1/me/interests").json()["interests"]
    assert [one["key"] for one in left] == ["story-time"]
    for purpose in ("nearby", "check-in-content"):
        assert citizen.delete(f"/v1/consents/{purpose}").status_code == 204
    assert citizen.get("/v1/me/interests").json() == {"interests": []}
    refused = citizen.put("/v1/me/interests", json=chosen("story-time", of=organisation))
    assert refused.json()["type"] == "/problems/consent-missing"
    assert citizen.put("/v1/me/interests", json={"interests": []}).json() == {"interests": []}
    assert session.scalars(select(Interest)).all() == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "field"),
    [
        ("/v1/topics/owls", {"names": {"cy": "Tylluanod"}}, 422, "topic-name-missing", "/names"),
        ("/v1/topics/owls", {"names": {"english!": "x"}}, 422, "language-refused", None),
        ("/v1/topics/Owls", OWLS, 422, "invalid-request", None),
        ("/v1/topics/owls", {"names": {}}, 422, "invalid-request", None),
    ],
)
def test_a_topic_that_cannot_be_read_is_refused(
    manager: Client, path: str, body: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    """With what to change."""
    answer = manager.put(path, json=body)

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")
    assert field is None or answer.json()["field"] == field
    assert manager.get("/v1/topics").json()["items"] == []


def test_what_is_offered_by_nobody_cannot_be_chosen(
    manager: Client, citizen: Client, organisation: Organisation
) -> None:
    """Nothing is changed, whatever else the list names; and members choose nothing."""
    manager.put("/v1/topics/owls", json=OWLS)
    citizen.put("/v1/me/interests", json=chosen("owls", of=organisation))

    unknown = citizen.put("/v1/me/interests", json=chosen("owls", "bats", of=organisation))
    twice = citizen.put("/v1/me/interests", json=chosen("owls", "owls", of=organisation))
    many = chosen(*(f"owls-{number}" for number in range(101)), of=organisation)
    elsewhere = {"interests": [{"organisation_id": str(uuid4()), "key": "owls"}]}

    assert (unknown.json()["type"], unknown.json()["field"]) == (
        "/problems/topic-unknown",
        "/interests/1",
    )
    assert twice.status_code == citizen.put("/v1/me/interests", json=many).status_code == 422
    assert (
        citizen.put("/v1/me/interests", json=elsewhere).json()["type"] == "/problems/topic-unknown"
    )
    assert manager.put("/v1/me/interests", json={"interests": []}).status_code == 403
    assert len(citizen.get("/v1/me/interests").json()["interests"]) == 1


def test_who_wants_to_hear_of_it_is_told_and_told_why(
    manager: Client,
    citizen: Client,
    session: Session,
    organisation: Organisation,
    settings: Settings,
) -> None:
    """Nobody else is; and where the topic is gone its key is told."""
    place = make_place(session, organisation)
    made = campaign(
        make_listing(session, place).id,
        triggers=["checked-in"],
        min_confidence=1,
        audience={"roles": ["citizen"], "interests": ["owls"]},
    )
    session.commit()
    refused = manager.post("/v1/campaigns", json=made)
    assert (refused.json()["type"], refused.json()["field"]) == (
        "/problems/audience-contradictory",
        "/audience/interests/0",
    )
    manager.put("/v1/topics/owls", json=OWLS)
    campaign_id = manager.post("/v1/campaigns", json=made).json()["id"]
    assert manager.put(f"/v1/campaigns/{campaign_id}/publication").status_code == 200
    citizen.post("/v1/check-ins", json=check_in(place.id))
    assert tell(session, settings) == 0

    citizen.put("/v1/me/interests", json=chosen("owls", of=organisation))
    citizen.post("/v1/check-ins", json=check_in(place.id))
    assert tell(session, settings) == 1

    [told] = citizen.get("/v1/notifications").json()["items"]
    assert "You had chosen to hear of “Owls by night”." in told["why"]["in_words"]
    assert "PUT /v1/me/interests" in " ".join(told["why"]["how_to_stop"])
    manager.delete("/v1/topics/owls")
    [told] = citizen.get("/v1/notifications").json()["items"]
    assert "You had chosen to hear of “owls”." in told["why"]["in_words"]
