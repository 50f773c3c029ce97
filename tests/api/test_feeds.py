"""Feeds of events, as managers set them up and see how they do."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx2 import Client, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.database import SessionFactory
from geoservices.feeds import running
from geoservices.fetching import Bounds, Fetcher
from geoservices.places.models import Place
from geoservices.settings.feeds import FeedSettings
from tests.api.conftest import with_token
from tests.factories import make_manager, make_organisation, make_place, share_place
from tests.feeding import Site, event, serving

FETCHER = Fetcher(Bounds(timeout=timedelta(seconds=5), max_body=100_000, allow_loopback=True))
AHEAD = ("RRULE:FREQ=WEEKLY",)
"""So that it is not over, whatever the clock says."""


@pytest.fixture
def site() -> Iterator[Site]:
    """Where the feed is."""
    with serving() as site:
        yield site


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """A library of Devon's."""
    place = make_place(session, organisation)
    place.tags = ["central"]
    session.commit()
    return place


@pytest.fixture
def loopback(application: FastAPI) -> Iterator[None]:
    """Let feeds be on loopback."""
    before = application.state.settings
    application.state.settings = before.model_copy(
        update={"feeds": FeedSettings(allow_loopback=True)}
    )
    yield
    application.state.settings = before


def body(
    place: Place | None, url: str = "https://example.org/a.ics", **said: Any
) -> dict[str, Any]:
    """What a manager says of a feed."""
    told = {"name": "What's on", "url": url, "place_id": place and str(place.id)}
    return told | said


def make(client: Client, place: Place | None, **said: Any) -> dict[str, Any]:
    """Set one up."""
    made = client.post("/v1/feeds", json=body(place, **said))
    assert made.status_code == 201, made.text
    told: dict[str, Any] = made.json()
    return told


def test_a_feed_is_set_up_seen_changed_and_deleted(manager: Client, place: Place) -> None:
    """With defaults: iCalendar, hourly."""
    made = make(manager, place)

    assert made["interval"] == "PT1H"
    assert (made["kind"], made["paused"], made["failing_since"]) == ("icalendar", False, None)
    path = f"/v1/feeds/{made['id']}"
    assert manager.get(path).json() == made
    changed = manager.patch(path, json={"interval": "P1D", "paused": True, "place_id": None})
    assert changed.status_code == 200
    assert changed.json() | {"due_at": None} == made | {
        "interval": "P1D",
        "paused": True,
        "place_id": None,
        "due_at": None,
    }
    assert [one["id"] for one in manager.get("/v1/feeds").json()["items"]] == [made["id"]]
    assert manager.delete(path).status_code == 204
    assert manager.get(path).status_code == 404
    assert manager.get("/v1/feeds").json()["items"] == []


def test_webcal_is_https(manager: Client, place: Place) -> None:
    """It is how calendar programs write it."""
    assert make(manager, place, url="webcal://example.org/a.ics")["url"] == (
        "https://example.org/a.ics"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a.ics",
        "https://me:secret@example.org/a.ics",
        "https://example.org/a.ics#b",
        "ftp://example.org/a.ics",
        "https:///a.ics",
        "http://127.0.0.1/a.ics",
        "https://exämple.org/a.ics",
        "file:///etc/passwd",
        "nonsense",
    ],
)
def test_addresses_that_are_not_called(manager: Client, place: Place, url: str) -> None:
    """The problem says what an address must be, and nothing is stored."""
    refused = manager.post("/v1/feeds", json=body(place, url))

    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/feed-refused"
    assert refused.json()["field"] == "/url"
    assert manager.get("/v1/feeds").json()["items"] == []


@pytest.mark.parametrize("interval", ["PT1M", "P8D", "PT0S"])
def test_intervals_that_are_none(manager: Client, place: Place, interval: str) -> None:
    """Neither all the time nor never."""
    refused = manager.post("/v1/feeds", json=body(place, interval=interval))

    assert (refused.status_code, refused.json()["field"]) == (422, "/interval")


def test_the_same_address_is_fetched_once_for_a_place(
    manager: Client, session: Session, organisation: Organisation, place: Place
) -> None:
    """For another place it is another feed."""
    make(manager, place)
    other = make_place(session, organisation, name="Crediton Library")
    session.commit()

    again = manager.post("/v1/feeds", json=body(place))

    assert (again.status_code, again.json()["type"]) == (409, "/problems/feed-known")
    elsewhere = make(manager, other)
    moved = manager.patch(f"/v1/feeds/{elsewhere['id']}", json={"place_id": str(place.id)})
    assert moved.status_code == 409
    make(manager, None)
    assert manager.post("/v1/feeds", json=body(None)).status_code == 409


def test_at_a_place_of_nobody_s(manager: Client, session: Session) -> None:
    """Of another organisation's only where it is shared."""
    dorset = make_organisation(session, "dorset")
    place = make_place(session, dorset)
    session.commit()

    assert manager.post("/v1/feeds", json=body(place)).status_code == 404
    assert manager.post("/v1/feeds", json=body(None, place_id=str(uuid4()))).status_code == 404
    devon = session.scalars(select(Organisation).where(Organisation.slug == "devon")).one()
    share_place(session, place, devon)
    session.commit()
    assert manager.post("/v1/feeds", json=body(place)).status_code == 201


def test_a_manager_of_some_places_names_one(
    anyone: Client,
    manager: Client,
    session: Session,
    organisation: Organisation,
    place: Place,
) -> None:
    """A feed that may be anywhere is beyond their reach."""
    token = make_manager(session, organisation, reach={"tags": ["central"], "area": None})
    beyond = make_place(session, organisation, name="Crediton Library")
    session.commit()
    limited = with_token(anyone, token)
    anywhere, there = make(manager, None), make(manager, beyond)

    assert limited.post("/v1/feeds", json=body(None)).status_code == 403
    assert limited.post("/v1/feeds", json=body(beyond)).status_code == 404
    own = make(limited, place)
    assert [one["id"] for one in limited.get("/v1/feeds").json()["items"]] == [own["id"]]
    for feed in (anywhere, there):
        assert limited.get(f"/v1/feeds/{feed['id']}").status_code == 404
        assert limited.post(f"/v1/feeds/{feed['id']}/runs", json={}).status_code == 404
    assert limited.patch(f"/v1/feeds/{own['id']}", json={"place_id": None}).status_code == 403


@pytest.fixture
def run(manager: Client, sessions: SessionFactory) -> Callable[..., Response]:
    """Asks for a run, lets the worker do it, and returns what it came to."""

    def run(feed_id: str, **said: Any) -> Response:
        asked = manager.post(f"/v1/feeds/{feed_id}/runs", json=said)
        assert asked.status_code == 202, asked.text
        assert asked.json()["state"] == "queued"
        again = manager.post(f"/v1/feeds/{feed_id}/runs", json={})
        assert (again.status_code, again.json()["type"]) == (409, "/problems/feed-run-waiting")
        running.run(sessions, FETCHER, UUID(feed_id))
        done: Response = manager.get(asked.headers["Location"])
        assert done.status_code == 200
        return done

    return run


@pytest.mark.usefixtures("loopback")
def test_a_run_is_previewed_and_then_made(
    manager: Client, place: Place, site: Site, run: Callable[..., Response]
) -> None:
    """The preview says what would come, with the faults; listings come with the run."""
    feed = make(manager, place, url=site.url)
    site.tell(event("1", *AHEAD), "UID:2\nDTSTART:nonsense")

    preview = run(feed["id"], preview=True).json()

    assert (preview["state"], preview["counts"]["added"]) == ("done", 1)
    assert preview["faults"][0] == {
        "line": 11,
        "uid": "2",
        "what": "The event is left out: its DTSTART cannot be read.",
    }
    [change] = preview["changes"]
    assert (change["title"], change["effect"], change["place_id"]) == (
        "Story time",
        "added",
        str(place.id),
    )
    assert manager.get("/v1/listings").json()["items"] == []
    done = run(feed["id"]).json()
    assert done["counts"] == preview["counts"]
    [listing] = manager.get("/v1/listings").json()["items"]
    assert (listing["kind"], listing["title"]) == ("event", "Story time")
    assert listing["rule"] == "FREQ=WEEKLY"
    runs = manager.get(f"/v1/feeds/{feed['id']}/runs").json()["items"]
    assert [one["id"] for one in runs] == [done["id"], preview["id"]]


@pytest.mark.usefixtures("loopback")
def test_a_feed_says_since_when_it_fails(
    manager: Client, place: Place, site: Site, run: Callable[..., Response]
) -> None:
    """And its run why."""
    feed = make(manager, place, url=site.url)
    site.status = 503

    done = run(feed["id"]).json()

    assert (done["state"], done["reason"]) == ("failed", "status-503")
    seen = manager.get(f"/v1/feeds/{feed['id']}").json()
    assert (seen["failure_count"], seen["failing_since"]) == (1, done["ended_at"])
    assert manager.get(f"/v1/feeds/{feed['id']}/runs/{uuid4()}").status_code == 404


def test_a_paused_feed_is_not_run(manager: Client, place: Place) -> None:
    """The problem says how it goes on."""
    feed = make(manager, place, paused=True)

    refused = manager.post(f"/v1/feeds/{feed['id']}/runs", json={})

    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/feed-refused")
