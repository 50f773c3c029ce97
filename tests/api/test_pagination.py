"""Cursors that are not as they were given out."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from tests.api.asking import campaign, check_in, listing
from tests.factories import make_place

LISTS = (
    "/v1/places",
    "/v1/places?near=0,0",
    "/v1/visits",
    "/v1/check-ins",
    "/v1/decisions",
    "/v1/notifications",
)
ID = "6f1b0e9e-0d0c-4b5e-8f58-0a1e52a1f0aa"


def cursor_of(*parts: object) -> str:
    """A cursor with these values, whoever made it up."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("", id="empty"),
        pytest.param("garbage", id="garbage"),
        pytest.param("=", id="padding"),
        pytest.param("%ff%fe", id="no text"),
        pytest.param("a" * 2001, id="far too long"),
        pytest.param(base64.urlsafe_b64encode(b"\xff\xfe").decode(), id="bytes"),
        pytest.param(base64.urlsafe_b64encode(b"[" * 1200).decode(), id="nested deep"),
        pytest.param(cursor_of(), id="nothing in it"),
        pytest.param(cursor_of("list_places"), id="too little in it"),
        pytest.param(cursor_of("list_places", "x", ID, "more"), id="too much in it"),
        pytest.param(cursor_of("list_places", "a\x00b", ID), id="U+0000 in it"),
        pytest.param(cursor_of("list_places", "\ud800", ID), id="half a character in it"),
        pytest.param(cursor_of("list_places", "x", "no id"), id="no id in it"),
        pytest.param(cursor_of("list_visits", "2026-03-01T12:00:00", ID), id="no offset"),
        pytest.param(cursor_of("list_visits", "yesterday", ID), id="no instant in it"),
        pytest.param(cursor_of("list_visits", 1, ID), id="a number for text"),
        pytest.param(cursor_of("explain_problem", "2026-03-01T12:00:00Z", ID), id="elsewhere's"),
    ],
)
def test_a_cursor_that_is_none_is_refused(citizen: Client, path: str, cursor: str) -> None:
    """Never a page from somewhere else, and never a failure."""
    answer = citizen.get(path + ("&" if "?" in path else "?") + f"cursor={cursor}")

    assert answer.status_code == 422
    assert answer.json()["field"] == "/cursor"


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "x"])
def test_a_distance_that_is_none_is_refused(citizen: Client, value: str) -> None:
    """A cursor by distance holds a finite number."""
    cursor = cursor_of("list_places", value, ID)

    assert citizen.get(f"/v1/places?near=0,0&cursor={cursor}").status_code == 422


@pytest.mark.parametrize(
    "value",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "2026-03-01T12:00:00Z"],
)
def test_a_tampered_cursor_shows_nothing_but_ones_own(citizen: Client, value: str) -> None:
    """It moves the page about in the caller's own list, at most."""
    answer = citizen.get(f"/v1/visits?cursor={cursor_of('list_visits', value, ID)}")

    assert answer.status_code == 200
    assert answer.json() == {"items": [], "next": None}


def test_a_cursor_of_another_route_is_refused(
    manager: Client, citizen: Client, session: Session, organisation: Organisation
) -> None:
    """Even of one that orders by the same kinds of values."""
    place = make_place(session, organisation)
    make_place(session, organisation, name="Another")
    session.commit()
    for _ in range(2):
        made = manager.post("/v1/listings", json=listing(place.id)).json()
        manager.post("/v1/campaigns", json=campaign(made["id"]))
        citizen.post("/v1/check-ins", json=check_in(place.id))
    routes = {
        "/v1/listings": manager,
        "/v1/campaigns": manager,
        "/v1/check-ins": citizen,
        "/v1/places": citizen,
    }
    cursors = {
        path: parse_qs(urlsplit(client.get(f"{path}?limit=1").json()["next"]).query)["cursor"][0]
        for path, client in routes.items()
    }

    for path, client in routes.items():
        for origin, cursor in cursors.items():
            answer = client.get(path, params={"cursor": cursor})
            assert answer.status_code == (200 if origin == path else 422)


def test_a_cursor_by_name_does_not_go_on_by_distance(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """The two orders of places share a route."""
    for name in ("One", "Two"):
        make_place(session, organisation, name=name)
    session.commit()
    next_ = citizen.get("/v1/places?limit=1").json()["next"]

    assert citizen.get(f"{next_}&near=-3.53,50.72").status_code == 422


def test_next_keeps_what_was_asked_and_believes_no_host(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """It is an address on the same server, with every parameter of the request."""
    for name in ("One & Two", "One & Three"):
        make_place(session, organisation, name=name)
    session.commit()

    next_ = citizen.get(
        "/v1/places", params={"limit": 1, "q": "one & t"}, headers={"Host": "evil.test/x?"}
    ).json()["next"]

    asked = parse_qs(urlsplit(next_).query)
    assert next_.startswith("/v1/places?")
    assert (asked["limit"], asked["q"]) == (["1"], ["one & t"])
    assert len(citizen.get(next_).json()["features"]) == 1


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "1.5", "", "1e2"])
def test_a_limit_out_of_range_is_refused(citizen: Client, limit: str) -> None:
    """1 to 200."""
    answer = citizen.get(f"/v1/visits?limit={limit}")

    assert answer.status_code == 422
    assert answer.json()["field"] == "/limit"
