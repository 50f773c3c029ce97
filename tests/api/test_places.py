"""Places over HTTP: found near, in a box, by text; in pages; open now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Client
from sqlalchemy.orm import Session

from api.dependencies import get_now
from geoservices.accounts.models import Organisation
from geoservices.events.models import Event, Occurrence
from geoservices.listings.models import ListingKind
from tests.factories import EXETER, make_listing, make_place

HERE = f"{EXETER[0]},{EXETER[1]}"


def names(answer: Any) -> list[str]:
    """The names of the places in an answer, in its order."""
    return [feature["properties"]["name"] for feature in answer.json()["features"]]


def every_page(client: Client, address: str) -> list[str]:
    """The names on all pages together; each page follows the one before by its `next`."""
    found: list[str] = []
    next_: str | None = address
    while next_ is not None:
        answer = client.get(next_)
        assert answer.status_code == 200
        found += names(answer)
        next_ = answer.json()["next"]
    return found


@pytest.fixture
def libraries(session: Session, organisation: Organisation) -> list[str]:
    """Twelve libraries going east from Exeter, two of them at the same spot, by distance."""
    told = []
    for number in range(12):
        east = 0.001 * (number // 2 * 2)
        place = make_place(
            session,
            organisation,
            name=f"Library {chr(ord('A') + number)}",
            at=(EXETER[0] + east, EXETER[1]),
        )
        told.append((east, place.id, place.name))
    session.commit()
    return [name for _east, _id, name in sorted(told)]


def test_the_nearest_come_first(citizen: Client, libraries: list[str]) -> None:
    """With their distances in metres, ties in the order of their ids."""
    answer = citizen.get("/v1/places", params={"near": HERE})

    distances = [one["properties"]["distance_m"] for one in answer.json()["features"]]
    assert answer.headers["content-type"] == "application/geo+json"
    assert names(answer) == libraries
    assert distances == sorted(distances)
    assert distances[2] == pytest.approx(141, abs=1)  # 0.002 degrees at 50.7 degrees north.


def test_only_what_lies_within_the_radius_is_near(citizen: Client, libraries: list[str]) -> None:
    """The radius is in metres."""
    answer = citizen.get("/v1/places", params={"near": HERE, "radius_m": 200})

    assert names(answer) == libraries[:4]


@pytest.mark.parametrize("limit", [1, 2, 5, 11, 12, 200])
@pytest.mark.parametrize("order", [f"near={HERE}&", ""])
def test_pages_have_no_gaps_and_no_repeats(
    citizen: Client, libraries: list[str], order: str, limit: int
) -> None:
    """By distance and by name, whatever the size of the page, ties at its edge too."""
    found = every_page(citizen, f"/v1/places?{order}limit={limit}")

    assert found == (libraries if order else sorted(libraries))


def test_a_place_added_meanwhile_moves_no_other_off_the_pages(
    citizen: Client, session: Session, organisation: Organisation, libraries: list[str]
) -> None:
    """Pages go on after the last place seen, not after so many places."""
    first = citizen.get("/v1/places?limit=6")
    make_place(session, organisation, name="Library AA")
    session.commit()

    rest = every_page(citizen, first.json()["next"])

    assert names(first) + rest == sorted(libraries)


def test_long_names_of_any_script_still_make_a_cursor(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """A name of 200 letters of three bytes each ends a page like any other."""
    for number in range(3):
        make_place(session, organisation, name=f"{number}" + "図" * 199)
    session.commit()

    assert len(every_page(citizen, "/v1/places?limit=1")) == 3


@pytest.mark.parametrize(
    ("box", "found"),
    [
        pytest.param("-3.54,50.7,-3.5,50.8", ["Exeter"], id="about Exeter"),
        pytest.param("179,-20,-179,-10", ["East Fiji", "West Fiji"], id="over the antimeridian"),
        pytest.param("-180,-90,180,90", ["East Fiji", "Exeter", "West Fiji"], id="the Earth"),
        pytest.param("179,-20,180,-10", ["West Fiji"], id="up to the antimeridian"),
        pytest.param("10,50,-10,51", ["East Fiji", "West Fiji"][:0], id="the long way round"),
        pytest.param("-3.53,50.72,-3.53,50.72", [], id="a single point"),
    ],
)
def test_a_box_may_cross_the_antimeridian(
    citizen: Client, session: Session, organisation: Organisation, box: str, found: list[str]
) -> None:
    """West is greater than east then (RFC 7946 section 5.2)."""
    make_place(session, organisation, name="Exeter")
    make_place(session, organisation, name="West Fiji", at=(179.5, -17.0))
    make_place(session, organisation, name="East Fiji", at=(-179.5, -17.0))
    session.commit()

    assert names(citizen.get("/v1/places", params={"bbox": box})) == found


def test_near_works_over_the_antimeridian(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """The shortest way is the way."""
    make_place(session, organisation, name="East Fiji", at=(-179.999, -17.0))
    session.commit()

    answer = citizen.get("/v1/places", params={"near": "179.999,-17", "radius_m": 1000})

    [feature] = answer.json()["features"]
    assert feature["properties"]["distance_m"] == pytest.approx(213, abs=2)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("exeter", ["Exeter Library"], id="in another case"),
        pytest.param("  LIBRARY ", ["Exeter Library"], id="with blanks about it"),
        pytest.param("100%", ["100% Wool"], id="a per cent sign is itself"),
        pytest.param("%", ["100% Wool"], id="and matches nothing else"),
        pytest.param("_", ["snake_case"], id="an underscore is itself"),
        pytest.param("\\", ["back\\slash"], id="a backslash is itself"),
        pytest.param("x" * 100, [], id="nothing at all"),
        pytest.param("É", ["École"], id="letters beyond ASCII"),
    ],
)
def test_text_finds_what_contains_it(
    citizen: Client, session: Session, organisation: Organisation, text: str, found: list[str]
) -> None:
    """Nothing in the text is a pattern."""
    for name in ("Exeter Library", "100% Wool", "snake_case", "back\\slash", "École"):
        make_place(session, organisation, name=name)
    session.commit()

    assert names(citizen.get("/v1/places", params={"q": text.strip()})) == found


def test_a_category_is_exact(citizen: Client, session: Session, organisation: Organisation) -> None:
    """A library is no toy library."""
    make_place(session, organisation, name="Exeter", category="library")
    make_place(session, organisation, name="Toys", category="toy-library")
    session.commit()

    assert names(citizen.get("/v1/places", params={"category": "library"})) == ["Exeter"]


def test_conditions_are_joined(citizen: Client, libraries: list[str]) -> None:
    """Near, in a box, of a category and with a text: all of it."""
    answer = citizen.get(
        "/v1/places",
        params={
            "near": HERE,
            "bbox": "-3.6,50.7,-3.5,50.8",
            "category": "library",
            "q": "library c",
            "limit": 1,
        },
    )

    assert len(libraries) == 12
    assert names(answer) == ["Library C"]


SUMMER, WINTER = "2026-07-01", "2026-01-14"  # Both are Wednesdays.


@pytest.mark.parametrize(
    ("hours", "at", "state"),
    [
        pytest.param("Mo-Fr 09:00-17:00", f"{WINTER}T08:59", "closed", id="a minute early"),
        pytest.param("Mo-Fr 09:00-17:00", f"{WINTER}T09:00", "open", id="on the hour"),
        pytest.param("Mo-Fr 09:00-17:00", f"{SUMMER}T08:00", "open", id="an hour ahead in summer"),
        pytest.param("Mo-Fr 09:00-17:00", f"{SUMMER}T16:00", "closed", id="and closed as early"),
        pytest.param("Mo-Fr 09:00-17:00", "2026-03-29T09:00", "closed", id="a Sunday"),
        pytest.param("Su 00:00-02:30", "2026-03-29T00:59", "open", id="before clocks go forward"),
        pytest.param("Su 02:00-03:00", "2026-03-29T01:30", "open", id="after clocks went forward"),
        pytest.param("Su 01:00-02:00", "2026-10-25T01:30", "open", id="the hour that comes twice"),
        pytest.param("24/7", f"{WINTER}T03:00", "open", id="always"),
        pytest.param("off", f"{WINTER}T12:00", "closed", id="never"),
        pytest.param(None, f"{WINTER}T12:00", "unknown", id="nobody knows"),
        pytest.param("when the door is open", f"{WINTER}T12:00", "unknown", id="unreadable"),
    ],
)
def test_opening_hours_are_read_in_the_places_time_zone(
    citizen: Client,
    application: FastAPI,
    session: Session,
    organisation: Organisation,
    hours: str | None,
    at: str,
    state: str,
) -> None:
    """In London's time, an hour ahead of UTC in summer; unknown hours are neither."""
    place = make_place(session, organisation, opening_hours=hours)
    session.commit()
    application.dependency_overrides[get_now] = lambda: datetime.fromisoformat(f"{at}:00+00:00")
    try:
        told = citizen.get(f"/v1/places/{place.id}").json()["properties"]["open_state"]
        open_ = names(citizen.get("/v1/places", params={"open_now": "true"}))
        closed = names(citizen.get("/v1/places", params={"open_now": "false"}))
    finally:
        application.dependency_overrides.clear()

    assert told == state
    assert open_ == ([place.name] if state == "open" else [])
    assert closed == ([place.name] if state == "closed" else [])


def test_the_next_change_is_told_in_the_places_own_time(
    citizen: Client, application: FastAPI, session: Session, organisation: Organisation
) -> None:
    """With its offset, so that no reader needs to know the zone."""
    place = make_place(session, organisation, opening_hours="Mo-Fr 09:00-17:00")
    session.commit()
    noon = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    application.dependency_overrides[get_now] = lambda: noon
    try:
        told = citizen.get(f"/v1/places/{place.id}").json()
    finally:
        application.dependency_overrides.clear()

    assert told["properties"]["open_state_changes_at"] == "2026-07-01T17:00:00+01:00"
    assert told["open_days"][0] == {
        "day": "2026-07-01",
        "spans": [{"opens_at": "2026-07-01T08:00:00Z", "closes_at": "2026-07-01T16:00:00Z"}],
    }
    assert [len(one["spans"]) for one in told["open_days"]] == [1, 1, 1, 0, 0, 1, 1]


def test_open_now_leaves_gaps_in_pages_and_loses_nothing(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """A page may be empty and yet not the last; following `next` finds all that are open."""
    for number in range(9):
        make_place(
            session,
            organisation,
            name=f"Place {number}",
            opening_hours="24/7" if number % 3 == 0 else "off",
        )
    session.commit()

    found = every_page(citizen, "/v1/places?open_now=true&limit=2")

    assert found == ["Place 0", "Place 3", "Place 6"]


def test_what_is_on_now_is_listed(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """Neither what is over nor what has not begun nor what was withdrawn, and no tasks."""
    place = make_place(session, organisation)
    now, hour = datetime.now(UTC), timedelta(hours=1)  # noqa: TID251
    make_listing(session, place, title="On")
    make_listing(session, place, title="Over").ends_at = now - hour
    make_listing(session, place, title="To come").starts_at = now + hour
    make_listing(session, place, title="Withdrawn").withdrawn_at = now
    make_listing(session, place, title="Task", kind=ListingKind.TASK)
    session.commit()

    answer = citizen.get(f"/v1/places/{place.id}/listings")

    assert [one["title"] for one in answer.json()] == ["On"]


def test_places_tell_what_is_on_there_today(
    application: FastAPI, citizen: Client, session: Session, organisation: Organisation
) -> None:
    """Until midnight by their clocks: what was called off, is used up or a task is left out."""
    here, quiet, far = (
        make_place(session, organisation, name=name, at=(EXETER[0] + east, EXETER[1]))
        for name, east in (("Here", 0), ("Quiet", 0.01), ("Far", 0.02))
    )
    far.time_zone = "Pacific/Auckland"
    now = datetime(2026, 7, 1, 11, 30, tzinfo=UTC)
    hours = {"length": timedelta(hours=1), "time_zone": "UTC"}
    for place, title, kind, own in (
        (here, "Yoga", ListingKind.EVENT, {"starts_at": now + timedelta(hours=11), **hours}),
        (here, "Tomorrow", ListingKind.EVENT, {"starts_at": now + timedelta(hours=12), **hours}),
        (here, "Coffee", ListingKind.OFFER, {}),
        (here, "Used up", ListingKind.OFFER, {"stock": 1, "redeemed_count": 1}),
        (here, "Boiler", ListingKind.TASK, {}),
        (quiet, "Withdrawn", ListingKind.OFFER, {"withdrawn_at": now}),
        (far, "Before midnight", ListingKind.EVENT, {"starts_at": now, **hours}),
        (far, "After it", ListingKind.EVENT, {"starts_at": now + timedelta(hours=1), **hours}),
    ):
        listing = make_listing(session, place, title=title, kind=kind)
        for name, value in own.items():
            setattr(listing, name, value)
    off = make_listing(session, quiet, title="Called off", kind=ListingKind.EVENT)
    assert isinstance(off, Event)
    off.starts_at, off.length = now, timedelta(hours=1)
    session.add(
        Occurrence(
            event_id=off.id,
            starts_at=now,
            ends_at=now + timedelta(hours=1),
            cancelled_at=now,
            reason="The roof leaks.",
        )
    )
    session.commit()
    application.dependency_overrides[get_now] = lambda: now

    try:
        told = citizen.get(f"/v1/places?near={HERE}&on_today=told")
        only = citizen.get(f"/v1/places?near={HERE}&on_today=only")
        plain = citizen.get(f"/v1/places?near={HERE}")
    finally:
        del application.dependency_overrides[get_now]

    on = [one["properties"]["today"] for one in told.json()["features"]]
    assert [one["count"] for one in on] == [2, 0, 1]
    assert [one["title"] for one in on[0]["first"]] == ["Coffee", "Yoga"]
    assert [one["title"] for one in on[2]["first"]] == ["Before midnight"]
    assert (names(told), names(only)) == (["Here", "Quiet", "Far"], ["Here", "Far"])
    assert {one["properties"]["today"] for one in plain.json()["features"]} == {None}
