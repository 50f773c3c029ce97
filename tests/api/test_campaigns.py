"""Campaigns over HTTP: drafted, published, ended, and what became of them."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.campaigns.models import Campaign
from geoservices.listings.models import Listing
from geoservices.settings.service import Settings
from tests.api.asking import campaign, check_in, saying
from tests.api.telling import tell
from tests.factories import make_listing, make_organisation, make_place

NOBODY = "00000000-0000-4000-8000-000000000000"
LATER = "2030-01-01T00:00:00Z"
POINT = {"type": "Point", "coordinates": [-3.53, 50.72]}
OPEN_RING = {"type": "Polygon", "coordinates": [[[-3.5, 50.7], [-3.4, 50.7], [-3.4, 50.8]]]}
EVERYTHING: dict[str, Any] = {
    "triggers": ["entered", "checked-in"],
    "places": {
        "ids": [],
        "tags": ["central"],
        "categories": ["library"],
        "area": {
            "type": "Polygon",
            "coordinates": [[[-3.6, 50.7], [-3.4, 50.7], [-3.4, 50.8], [-3.6, 50.7]]],
        },
        "circle": {"lon": -3.53, "lat": 50.72, "radius_m": 800.0},
    },
    "audience": {
        "roles": ["citizen"],
        "team_ids": [],
        "skills": [],
        "interests": [],
        "languages": ["en", "cy"],
        "visited": "returning",
        "visited_within": "P14D",
        "has": [{"did": "checked-in", "of": None, "within": "P14D"}],
        "has_not": [{"did": "opened", "of": None, "within": "P7D"}],
        "sample": 0.5,
        "hold_out": 0.1,
        "at_most": 500,
    },
    "content": [
        {
            "name": name,
            "weight": weight,
            "texts": {
                "en-GB": {"title": "{listing}", "body": "At {place} until {ends}."},
                "cy": {"title": "{listing}", "body": "Yn {place}."},
            },
        }
        for name, weight in (("plain", 1), ("warm", 3))
    ],
    "schedule": {
        "starts_at": "2029-01-01T00:00:00Z",
        "ends_at": LATER,
        "windows": [{"days": ["monday", "friday"], "from": "09:00:00", "until": "17:30:00"}],
        "time_zone": "Europe/London",
    },
    "min_confidence": 3,
    "only_when_open": True,
    "cooldown": "PT6H",
    "cooldown_per": "parent-place",
    "cap": {"messages": 3, "within": "P7D"},
    "after_holding": "release",
    "channel": "inbox",
    "goal": {"kind": "checked-in", "within": "P1D", "target": 0.25},
    "objective": "More people at story time",
    "measure": "Check-ins",
    "effort": "An hour",
}


def audience(**changes: Any) -> dict[str, Any]:
    """A campaign's member of that name, for citizens."""
    return {"audience": {"roles": ["citizen"], **changes}}


def goal(kind: str, **changes: Any) -> dict[str, Any]:
    """A campaign's member of that name."""
    return {"kind": kind, "within": "P1D", **changes}


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


def title_of(told: dict[str, Any]) -> str:
    """What a campaign says first."""
    title: str = told["content"][0]["texts"]["en-GB"]["title"]
    return title


def test_each_change_is_a_version_and_an_ended_campaign_stays(
    manager: Client, listing: Listing
) -> None:
    """What people were told stays readable, and from when until when it was told."""
    address = manager.post("/v1/campaigns", json=campaign(listing.id)).headers["location"]

    tea = manager.put(address, json=campaign(listing.id, content=saying("Tea")))
    manager.put(f"{address}/publication")
    soup = manager.put(address, json=campaign(listing.id, content=saying("Soup")))
    purpose = manager.put(address, json=campaign(listing.id, purpose="nearby"))
    manager.delete(f"{address}/publication")
    ended = manager.put(address, json=campaign(listing.id, content=saying("Cake")))
    first_page = manager.get(f"{address}/versions?limit=2").json()
    [oldest] = manager.get(first_page["next"]).json()["items"]

    newest, published = first_page["items"]
    assert (tea.status_code, title_of(tea.json()), tea.json()["version"]) == (200, "Tea", 2)
    assert (soup.status_code, title_of(soup.json()), soup.json()["state"]) == (200, "Soup", "live")
    assert purpose.json()["type"] == "/problems/campaign-published"
    assert ended.json()["type"] == "/problems/campaign-ended"
    told = manager.get(address).json()
    assert (title_of(told), told["state"]) == ("Soup", "ended")
    assert [title_of(one["definition"]) for one in (newest, published, oldest)] == [
        "Soup",
        "Tea",
        "Free hot drink",
    ]
    assert oldest["in_force_from"] is None
    assert published["in_force_until"] == newest["in_force_from"]
    assert newest["in_force_until"] is None
    assert newest["made_by"]


def test_a_draft_in_review_waits_until_it_is_taken_back(manager: Client, listing: Listing) -> None:
    """Or is published as it is."""
    address = manager.post("/v1/campaigns", json=campaign(listing.id)).headers["location"]

    submitted = manager.put(f"{address}/review")
    refused = manager.put(address, json=campaign(listing.id, name="Tea"))
    back = manager.delete(f"{address}/review")
    changed = manager.put(address, json=campaign(listing.id, name="Tea"))
    manager.put(f"{address}/publication")
    late = manager.delete(f"{address}/review")

    assert submitted.json()["state"] == "review"
    assert refused.json()["type"] == "/problems/campaign-in-review"
    assert back.status_code == 204
    assert (changed.json()["state"], changed.json()["name"]) == ("draft", "Tea")
    assert late.json()["type"] == "/problems/campaign-published"


def test_all_that_was_said_is_told_again(manager: Client, listing: Listing) -> None:
    """And said again, it is the same."""
    body = campaign(listing.id, id=str(uuid4()), **EVERYTHING)

    made = manager.post("/v1/campaigns", json=body)
    again = manager.post("/v1/campaigns", json=body)

    assert (made.status_code, again.status_code) == (201, 200), made.text
    told = made.json()
    assert {name: told[name] for name in EVERYTHING} == EVERYTHING


def test_the_same_id_and_content_again_changes_nothing(
    manager: Client, session: Session, listing: Listing
) -> None:
    """A retry gets the first campaign."""
    body = campaign(listing.id, id=str(uuid4()))

    first, second = (manager.post("/v1/campaigns", json=body) for _ in range(2))
    other = manager.post("/v1/campaigns", json={**body, "content": saying("Other")})

    assert (first.status_code, second.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == second.json()
    assert session.scalar(select(func.count()).select_from(Campaign)) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"triggers": ["sneezed"]}, "/triggers/0", id="no such trigger"),
        pytest.param({"triggers": []}, "/triggers", id="no trigger"),
        pytest.param({"triggers": ["entered", "entered"]}, "/triggers", id="a trigger twice"),
        pytest.param({"audience": {"roles": ["everyone"]}}, "/audience/roles/0", id="no such role"),
        pytest.param({"audience": {"roles": []}}, "/audience/roles", id="nobody"),
        pytest.param(audience(sample=0), "/audience/sample", id="a sample of none"),
        pytest.param(audience(hold_out=1), "/audience/hold_out", id="everybody held out"),
        pytest.param(audience(team_ids=[NOBODY]), "/audience/team_ids", id="citizens in a team"),
        pytest.param(audience(languages=["english"]), "/audience/languages/0", id="no language"),
        pytest.param({"places": {}}, "/places", id="a set of nothing"),
        pytest.param({"places": {"ids": [NOBODY]}}, "/places/ids/0", id="a place of nobody's"),
        pytest.param({"places": {"area": POINT}}, "/places/area/type", id="a point for an area"),
        pytest.param({"places": {"area": OPEN_RING}}, "/places/area", id="a ring that is open"),
        pytest.param(
            {"schedule": {"starts_at": LATER, "ends_at": LATER}}, "/schedule/ends_at", id="no time"
        ),
        pytest.param({"schedule": {"time_zone": "Mars"}}, "/schedule/time_zone", id="no such zone"),
        pytest.param(
            {"content": saying("{name}")}, "/content/0/texts/en-GB/title", id="no placeholder"
        ),
        pytest.param(
            {"content": saying("x", "{listing} " + "x" * 490)},
            "/content/0/texts/en-GB/body",
            id="too long a body once it is filled",
        ),
        pytest.param(
            {"content": [{"texts": {"cy": {"title": "Te", "body": "Dewch."}}}]},
            "/content/0/texts",
            id="nothing in the organisation's language",
        ),
        pytest.param({"content": saying("a") * 2}, "/content", id="two variants of one name"),
        pytest.param({"cap": {"messages": 0, "within": "P1D"}}, "/cap/messages", id="a cap of 0"),
        pytest.param({"goal": goal("rich")}, "/goal/kind", id="no such goal"),
        pytest.param({"goal": goal("attended")}, "/goal/kind", id="to attend an offer"),
        pytest.param({"goal": goal("done")}, "/goal/kind", id="an offer to be done"),
        pytest.param({"goal": goal("opened", within="P15D")}, "/goal/within", id="too long a goal"),
        pytest.param({"goal": goal("opened", target=0)}, "/goal/target", id="a target of nobody"),
        pytest.param({"goal": goal("opened", target=1)}, "/goal/target", id="a target of all"),
        pytest.param({"purpose": "fun"}, "/purpose", id="no such purpose"),
        pytest.param({"campaign_class": "loud"}, "/campaign_class", id="no such class"),
        pytest.param({"min_confidence": 0}, "/min_confidence", id="confidence of none"),
        pytest.param({"min_confidence": 4}, "/min_confidence", id="confidence beyond full"),
        pytest.param({"min_confidence": 1.5}, "/min_confidence", id="half a step of confidence"),
        pytest.param({"cooldown": "-PT1S"}, "/cooldown", id="a cooldown backwards"),
        pytest.param({"cooldown": "P400D"}, "/cooldown", id="a cooldown of more than a year"),
        pytest.param({"cooldown": 1e300}, "/cooldown", id="a cooldown beyond all time"),
        pytest.param({"content": saying("")}, "/content/0/texts/en-GB/title", id="no title"),
        pytest.param(
            {"content": saying("x", "x" * 501)}, "/content/0/texts/en-GB/body", id="too long a body"
        ),
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
    body = campaign(listing.id, purpose="staff-tasks")

    answer = manager.post("/v1/campaigns", json=body)

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/purpose-not-for-audience"
    assert answer.json()["field"] == "/purpose"
