"""Listings over HTTP: published, changed, withdrawn."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.listings.models import Listing
from geoservices.places.models import Place
from tests.api.asking import listing
from tests.factories import make_organisation, make_place


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    session.commit()
    return place


@pytest.mark.parametrize("kind", ["offer", "event", "task"])
def test_a_listing_is_published_read_and_withdrawn(
    manager: Client, place: Place, kind: str
) -> None:
    """Withdrawing twice is as good as once; managers still see it."""
    made = manager.post("/v1/listings", json=listing(place.id, kind=kind, text=" Come in. "))
    address = made.headers["location"]

    withdrawn = [manager.delete(address).status_code for _ in range(2)]

    read = manager.get(address).json()
    assert made.status_code == 201
    assert withdrawn == [204, 204]
    assert {**made.json(), "withdrawn_at": read["withdrawn_at"]} == read
    assert read["text"] == "Come in."
    assert read["withdrawn_at"]
    assert manager.get(f"/v1/places/{place.id}/listings").json() == []


def test_the_same_id_and_content_again_changes_nothing(
    manager: Client, place: Place, session: Session
) -> None:
    """A retry gets the first listing."""
    body = listing(place.id, id=str(uuid4()))

    first, second = (manager.post("/v1/listings", json=body) for _ in range(2))
    other = manager.post("/v1/listings", json={**body, "title": "Other"})

    assert (first.status_code, second.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == second.json()
    assert session.scalar(select(func.count()).select_from(Listing)) == 1


def test_a_listing_is_replaced_whole(manager: Client, place: Place) -> None:
    """What is left out is as if it had never been said."""
    made = manager.post("/v1/listings", json=listing(place.id, text="Long"))

    replaced = manager.put(made.headers["location"], json=listing(place.id, title="New")).json()

    assert (replaced["title"], replaced["text"], replaced["kind"]) == ("New", "", "offer")
    assert replaced["id"] == made.json()["id"]
    assert manager.get(made.headers["location"]).json() == replaced


def test_a_listing_stays_of_its_kind(manager: Client, place: Place) -> None:
    """What people were told of an event must not become a task."""
    made = manager.post("/v1/listings", json=listing(place.id, kind="event"))

    refused = manager.put(made.headers["location"], json=listing(place.id, kind="task"))

    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/kind-fixed")
    assert refused.json()["field"] == "/kind"
    assert manager.get(made.headers["location"]).json() == made.json()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"title": ""}, "/title", id="no title"),
        pytest.param({"title": "x" * 121}, "/title", id="too long a title"),
        pytest.param({"text": "x" * 5001}, "/text", id="too long a text"),
        pytest.param({"kind": "rumour"}, "/kind", id="no such kind"),
        pytest.param({"evidence_needed": "an oath"}, "/evidence_needed", id="no such evidence"),
        pytest.param({"starts_at": "2026-03-01"}, "/starts_at", id="a day"),
        pytest.param({"starts_at": "2026-03-01T12:00:00"}, "/starts_at", id="no offset"),
        pytest.param({"ends_at": "2026-01-01T00:00:00Z"}, "/ends_at", id="an end at its start"),
        pytest.param({"ends_at": "2025-01-01T00:00:00Z"}, "/ends_at", id="an end before it"),
        pytest.param({"ends_at": "9999-12-31T23:59:59-12:00"}, "/ends_at", id="beyond years"),
    ],
)
def test_a_listing_that_cannot_be_is_refused(
    manager: Client, place: Place, session: Session, changes: dict[str, Any], field: str
) -> None:
    """When it is published and when it is replaced."""
    address = manager.post("/v1/listings", json=listing(place.id)).headers["location"]

    answers = [
        manager.post("/v1/listings", json=listing(place.id, **changes)),
        manager.put(address, json=listing(place.id, **changes)),
    ]

    for answer in answers:
        assert answer.status_code == 422
        assert answer.json()["field"] == field
    assert session.scalars(select(Listing.title)).all() == ["Free hot drink"]


def test_a_listing_cannot_be_moved_to_another_organisations_place(
    manager: Client, session: Session, place: Place
) -> None:
    """Not found, like a place that does not exist."""
    theirs = make_place(session, make_organisation(session, "dorset"))
    session.commit()
    address = manager.post("/v1/listings", json=listing(place.id)).headers["location"]

    assert manager.put(address, json=listing(theirs.id)).status_code == 404
    assert manager.post("/v1/listings", json=listing(theirs.id)).status_code == 404
    assert manager.get(address).json()["place_id"] == str(place.id)


def test_listings_are_listed_by_place_in_pages(
    manager: Client, session: Session, organisation: Organisation, place: Place
) -> None:
    """Newest first, each once."""
    other = make_place(session, organisation, name="Elsewhere")
    session.commit()
    here = [manager.post("/v1/listings", json=listing(place.id)).json()["id"] for _ in range(5)]
    manager.post("/v1/listings", json=listing(other.id))

    found: list[str] = []
    next_: str | None = f"/v1/listings?limit=2&place_id={place.id}"
    while next_:
        page = manager.get(next_).json()
        found += [one["id"] for one in page["items"]]
        next_ = page["next"]

    assert found == here[::-1]
