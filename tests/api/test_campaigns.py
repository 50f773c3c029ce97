"""Campaigns over HTTP: drafted, published, ended, and what became of them."""

import re
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.schemas.campaigns import REASONS
from geoservices.accounts.models import Organisation
from geoservices.campaigns.models import Campaign
from geoservices.campaigns.rules import Gate
from geoservices.listings.models import Listing
from geoservices.settings.service import Settings
from tests.api.asking import campaign, check_in
from tests.api.telling import tell
from tests.factories import make_listing, make_organisation, make_place


@pytest.fixture
def listing(session: Session, organisation: Organisation) -> Listing:
    """An offer at Exeter Library."""
    listing = make_listing(session, make_place(session, organisation))
    session.commit()
    return listing


def test_a_campaign_goes_from_draft_to_published_to_ended(
    manager: Client, listing: Listing
) -> None:
    """Each step once; repeating it keeps the first moment."""
    draft = manager.post("/v1/campaigns", json=campaign(listing.id))
    address = draft.headers["location"]

    published = [manager.put(f"{address}/publication").json() for _ in range(2)]
    ended = [manager.delete(f"{address}/publication").status_code for _ in range(2)]

    told = manager.get(address).json()
    assert draft.status_code == 201
    assert (draft.json()["published_at"], draft.json()["ended_at"]) == (None, None)
    assert published[0] == published[1]
    assert ended == [204, 204]
    assert told["published_at"] == published[0]["published_at"]
    assert told["ended_at"] > told["published_at"]


def test_a_draft_can_be_changed_and_a_published_campaign_cannot(
    manager: Client, listing: Listing
) -> None:
    """What people were told must stay readable; so it also stays once it has ended."""
    address = manager.post("/v1/campaigns", json=campaign(listing.id)).headers["location"]

    changed = manager.put(address, json=campaign(listing.id, title="Tea"))
    manager.put(f"{address}/publication")
    published = manager.put(address, json=campaign(listing.id, title="Soup"))
    manager.delete(f"{address}/publication")
    ended = manager.put(address, json=campaign(listing.id, title="Soup"))

    assert (changed.status_code, changed.json()["title"]) == (200, "Tea")
    for answer in (published, ended):
        assert answer.status_code == 409
        assert answer.json()["type"] == "/problems/campaign-not-draft"
    assert manager.get(address).json()["title"] == "Tea"


def test_the_same_id_and_content_again_changes_nothing(
    manager: Client, session: Session, listing: Listing
) -> None:
    """A retry gets the first campaign."""
    body = campaign(listing.id, id=str(uuid4()))

    first, second = (manager.post("/v1/campaigns", json=body) for _ in range(2))
    other = manager.post("/v1/campaigns", json={**body, "title": "Other"})

    assert (first.status_code, second.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == second.json()
    assert session.scalar(select(func.count()).select_from(Campaign)) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"trigger": "sneezed"}, "/trigger", id="no such trigger"),
        pytest.param({"audience": "everyone"}, "/audience", id="no such audience"),
        pytest.param({"purpose": "fun"}, "/purpose", id="no such purpose"),
        pytest.param({"campaign_class": "loud"}, "/campaign_class", id="no such class"),
        pytest.param({"min_confidence": 0}, "/min_confidence", id="confidence of none"),
        pytest.param({"min_confidence": 4}, "/min_confidence", id="confidence beyond full"),
        pytest.param({"min_confidence": 1.5}, "/min_confidence", id="half a step of confidence"),
        pytest.param({"cooldown": "-PT1S"}, "/cooldown", id="a cooldown backwards"),
        pytest.param({"cooldown": "P400D"}, "/cooldown", id="a cooldown of more than a year"),
        pytest.param({"cooldown": 1e300}, "/cooldown", id="a cooldown beyond all time"),
        pytest.param({"title": ""}, "/title", id="no title"),
        pytest.param({"body": "x" * 501}, "/body", id="too long a body"),
        pytest.param({"listing_id": "x"}, "/listing_id", id="no id"),
    ],
)
def test_a_campaign_that_cannot_be_is_refused(
    manager: Client, listing: Listing, changes: dict[str, Any], field: str
) -> None:
    """The problem names the member."""
    answer = manager.post("/v1/campaigns", json={**campaign(listing.id), **changes})

    assert answer.status_code == 422
    assert answer.json()["field"] == field


def test_another_organisations_listing_is_not_found(
    manager: Client, session: Session, listing: Listing
) -> None:
    """Neither for a new campaign nor for a draft that exists."""
    theirs = make_listing(session, make_place(session, make_organisation(session, "dorset")))
    session.commit()
    address = manager.post("/v1/campaigns", json=campaign(listing.id)).headers["location"]

    assert manager.post("/v1/campaigns", json=campaign(theirs.id)).status_code == 404
    assert manager.put(address, json=campaign(theirs.id)).status_code == 404


def test_outcomes_tell_how_often_it_sent_and_what_held_it(
    manager: Client,
    citizen: Client,
    session: Session,
    listing: Listing,
    settings: Settings,
) -> None:
    """Why did nobody get this? Each gate with its count, and the decisions one by one."""
    address = manager.post("/v1/campaigns", json=campaign(listing.id, min_confidence=1)).headers[
        "location"
    ]
    manager.put(f"{address}/publication")
    for _ in range(3):
        citizen.post("/v1/check-ins", json=check_in(listing.place_id))
        tell(session, settings)

    outcomes = manager.get(f"{address}/outcomes").json()
    first_page = manager.get(f"{address}/decisions?limit=2").json()
    last_page = manager.get(first_page["next"]).json()
    mine = citizen.get("/v1/decisions").json()

    decisions = first_page["items"] + last_page["items"]
    assert outcomes == {"sent": 1, "held": {"cooldown": 2}}
    assert [one["gate"] for one in decisions] == ["cooldown", "cooldown", None]
    assert all(one["reason"] for one in decisions)
    assert last_page["next"] is None
    assert [one["id"] for one in mine["items"]] == [one["id"] for one in decisions]


def test_decisions_tell_a_manager_nothing_of_the_person(
    manager: Client, citizen: Client, session: Session, listing: Listing, settings: Settings
) -> None:
    """Neither whom they were about, nor on what occasion, nor what that person set or got."""
    preferences = {
        "time_zone": "Asia/Kolkata",
        "quiet_from": "00:00",
        "quiet_until": "23:59:59.999999",
    }
    assert citizen.put("/v1/preferences", json=preferences).status_code == 200
    body = campaign(listing.id, min_confidence=1)
    address = manager.post("/v1/campaigns", json=body).headers["location"]
    manager.put(f"{address}/publication")
    check_in_id = citizen.post("/v1/check-ins", json=check_in(listing.place_id)).json()["id"]
    tell(session, settings)

    [told] = manager.get(f"{address}/decisions").json()["items"]
    [mine] = citizen.get("/v1/decisions").json()["items"]

    assert set(told) == {
        "id",
        "campaign_id",
        "place_id",
        "gate",
        "reason",
        "gates_passed",
        "decided_at",
    }
    assert told["gate"] == mine["gate"] == "quiet-hours"
    assert told["reason"] == "The person did not want to be disturbed at that time."
    assert mine["check_in_id"] == check_in_id
    assert mine["detail"] == {"time_zone": "Asia/Kolkata"}
    assert not any(secret in str(told) for secret in ("Kolkata", "23:59", check_in_id))


def test_every_gate_has_a_sentence_without_figures() -> None:
    """What managers read is the same for everyone."""
    assert set(REASONS) == {None, *Gate}
    assert not re.search(r"\d", " ".join(REASONS.values()))


def test_a_draft_and_an_ended_campaign_say_nothing(
    manager: Client, citizen: Client, session: Session, listing: Listing, settings: Settings
) -> None:
    """Only what is published and has not ended decides at all."""
    manager.post("/v1/campaigns", json=campaign(listing.id))
    ended = manager.post("/v1/campaigns", json=campaign(listing.id)).headers["location"]
    manager.put(f"{ended}/publication")
    manager.delete(f"{ended}/publication")
    citizen.post("/v1/check-ins", json=check_in(listing.place_id))

    told = tell(session, settings)

    assert told == 0
    assert citizen.get("/v1/decisions").json()["items"] == []


def test_campaigns_are_listed_in_pages(manager: Client, listing: Listing) -> None:
    """Newest first, each once."""
    ids = [manager.post("/v1/campaigns", json=campaign(listing.id)).json()["id"] for _ in range(5)]

    found: list[str] = []
    next_: str | None = "/v1/campaigns?limit=2"
    while next_:
        page = manager.get(next_).json()
        found += [one["id"] for one in page["items"]]
        next_ = page["next"]

    assert found == ids[::-1]


def test_a_purpose_the_audience_cannot_agree_to_is_refused(
    manager: Client, listing: Listing
) -> None:
    """A campaign that could never speak is refused when it is written, not met by silence."""
    body = campaign(listing.id, audience="citizen", purpose="staff-tasks")

    answer = manager.post("/v1/campaigns", json=body)

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/purpose-not-for-audience"
    assert answer.json()["field"] == "/purpose"
