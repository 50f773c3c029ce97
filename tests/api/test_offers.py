"""Offers over HTTP: their terms, what of them cannot be, and what people see of them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.places.models import Place
from tests.api import asking
from tests.factories import make_geofence, make_place
from tests.redeeming import code_of, offer, publish, scan, self_service, standing, told

DAY = timedelta(days=1)


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library, which is always open."""
    place = make_place(session, organisation)
    make_geofence(session, place)
    session.commit()
    return place


def windows(*, hours_ago: float = 1, **changes: Any) -> dict[str, Any]:
    """Windows of two hours a day, the first of which began so many hours ago."""
    begins = asking.now().replace(microsecond=0) - timedelta(hours=hours_ago)
    return {
        "window_starts_at": begins.isoformat(),
        "window_length": "PT2H",
        "window_rule": "FREQ=DAILY",
        **changes,
    }


def test_terms_are_kept_told_and_replaced(manager: Client, place: Place) -> None:
    """Whole, in the one form of the rule; the same id and content again changes nothing."""
    terms = {
        "terms": "One a day.",
        "only_when_open": True,
        "stock": 100,
        "per_person": 2,
        "per_person_renews": "daily",
        "redeemed_by": "self",
        "evidence_needed": "inside",
        **windows(window_rule="freq=daily;interval=1"),
    }
    body = offer(place.id, id=str(uuid4()), **terms)

    made, again = (manager.post("/v1/listings", json=body) for _ in range(2))
    other = manager.post("/v1/listings", json={**body, "stock": 99})
    replaced = manager.put(made.headers["location"], json=offer(place.id)).json()

    kept = {**terms, "window_rule": "FREQ=DAILY", "redeemed_count": 0}
    kept["window_starts_at"] = made.json()["window_starts_at"]
    assert (made.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert {name: made.json()[name] for name in kept} == kept
    assert (replaced["stock"], replaced["per_person"], replaced["redeemed_by"]) == (None, 1, "scan")
    assert (replaced["window_length"], replaced["terms"]) == (None, "")


@pytest.mark.parametrize(
    ("terms", "code", "field"),
    [
        pytest.param({"stock": 0}, "invalid-request", "/stock", id="no stock"),
        pytest.param({"stock": -3}, "invalid-request", "/stock", id="less than no stock"),
        pytest.param({"stock": 1.5}, "invalid-request", "/stock", id="half a piece"),
        pytest.param({"per_person": 0}, "invalid-request", "/per_person", id="nobody may"),
        pytest.param(
            {"per_person": None, "per_person_renews": "daily"},
            "offer-refused",
            "/per_person_renews",
            id="no limit that begins anew",
        ),
        pytest.param(
            {"redeemed_by": "self"}, "offer-refused", "/evidence_needed", id="from anywhere"
        ),
        pytest.param(
            windows(window_length=None), "offer-refused", "/window_length", id="without an end"
        ),
        pytest.param(
            windows(window_starts_at=None), "offer-refused", "/window_starts_at", id="no beginning"
        ),
        pytest.param(
            windows(window_length="PT0S"), "invalid-request", "/window_length", id="no length"
        ),
        pytest.param(
            windows(window_length="PT25H"), "offer-refused", "/window_length", id="overlapping"
        ),
        pytest.param(
            windows(window_rule="FREQ=SECONDLY"), "recurrence-refused", "/window_rule", id="seconds"
        ),
        pytest.param(
            windows(window_rule="FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31"),
            "recurrence-refused",
            "/window_rule",
            id="a day that never is",
        ),
        pytest.param(
            windows(window_rule="every day"), "recurrence-refused", "/window_rule", id="no rule"
        ),
        pytest.param(
            windows(hours_ago=24 * 800), "offer-refused", "/window_starts_at", id="long ago"
        ),
        pytest.param(
            windows(starts_at="9999-12-31T00:00:00Z"),
            "year-refused",
            "/starts_at",
            id="at the end of time",
        ),
        pytest.param(
            windows(hours_ago=-48, ends_at=(asking.now() + DAY).isoformat()),
            "offer-refused",
            "/window_starts_at",
            id="over before its first window",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    manager: Client, place: Place, terms: dict[str, Any], code: str, field: str
) -> None:
    """With what to change, and nothing is kept."""
    refused = manager.post("/v1/listings", json=offer(place.id, **terms))

    assert told(refused) == (422, code)
    assert refused.json()["field"] == field
    assert manager.get("/v1/listings").json()["items"] == []


@pytest.mark.parametrize("hours", [None, "nonsense", "2020 Jan 01 10:00-12:00"])
def test_what_is_never_open_is_refused(
    manager: Client, session: Session, place: Place, hours: str | None
) -> None:
    """Hours that are not known, or say that it never is."""
    place.opening_hours = hours
    session.commit()

    refused = manager.post("/v1/listings", json=offer(place.id, only_when_open=True))

    assert told(refused) == (422, "offer-refused")
    assert refused.json()["field"] == "/only_when_open"


def test_windows_while_the_place_is_closed_are_refused(
    manager: Client, session: Session, place: Place
) -> None:
    """Each is within its time, and they never meet."""
    place.opening_hours = "Mo 03:00-04:00"
    session.commit()
    monday = "2026-03-02T12:00:00Z"
    terms = windows(window_starts_at=monday, window_rule="FREQ=WEEKLY", starts_at=monday)

    refused = manager.post("/v1/listings", json=offer(place.id, only_when_open=True, **terms))

    assert told(refused) == (422, "offer-refused")
    assert "in which the place is open" in refused.json()["detail"]


def test_people_see_whether_an_offer_is_on_and_when_next(
    manager: Client, citizen: Client, place: Place
) -> None:
    """Within its window, and after it: it is listed either way."""
    on, off = windows(hours_ago=1), windows(hours_ago=3)
    listing_id = publish(manager, offer(place.id, **on))
    within = standing(citizen, place.id)
    manager.put(
        f"/v1/listings/{listing_id}",
        json=offer(place.id, **{**off, "starts_at": "2026-11-01T00:00:00Z"}),
    )

    after = standing(citizen, place.id)

    assert (within["on"], within["next_on_at"]) == (True, None)
    assert within["on_until"] > asking.now().isoformat()
    assert (after["on"], after["on_until"]) == (False, None)
    assert after["next_on_at"] > asking.now().isoformat()


def test_people_see_how_many_are_left_and_theirs(
    manager: Client, citizen: Client, stranger: Client, place: Place
) -> None:
    """A code keeps a piece for its person; once redeemed it is gone, and theirs with it."""
    offer_id = publish(manager, offer(place.id, stock=3, per_person=2, terms="Bring a cup."))
    before = standing(citizen, place.id)
    code = code_of(citizen, offer_id)
    waiting = standing(stranger, place.id)
    scan(manager, code)

    mine, others = standing(citizen, place.id), standing(stranger, place.id)

    assert [(one["left"], one["yours_left"]) for one in (before, waiting, mine, others)] == [
        (3, 2),
        (2, 2),
        (2, 1),
        (2, 2),
    ]


def test_an_offer_without_an_end_or_limit_says_so(
    manager: Client, citizen: Client, place: Place
) -> None:
    """Null is not none."""
    publish(manager, offer(place.id, per_person=None))

    shown = standing(citizen, place.id)

    assert (shown["on"], shown["on_until"]) == (True, None)
    assert (shown["left"], shown["yours_left"]) == (None, None)


def test_a_check_in_shows_the_same(manager: Client, citizen: Client, place: Place) -> None:
    """What is unlocked, and how it is redeemed."""
    publish(manager, self_service(place.id, terms="One each.", text="In the hall."))

    [here] = citizen.post("/v1/check-ins", json=asking.check_in(place.id)).json()["listings"]

    assert here["unlocked"]
    assert here["listing"]["text"] == "In the hall."
    assert here["listing"]["redeemed_by"] == "self"
    assert here["listing"]["terms"] == "One each."
    assert here["listing"]["standing"]["on"]


def test_other_kinds_have_no_standing(manager: Client, citizen: Client, place: Place) -> None:
    """An event is not redeemed."""
    manager.post("/v1/listings", json=asking.listing(place.id, kind="event"))

    [shown] = citizen.get(f"/v1/places/{place.id}/listings").json()

    assert shown["kind"] == "event"
    assert "standing" not in shown
