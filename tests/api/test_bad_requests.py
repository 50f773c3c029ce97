"""Requests that are wrong in every way: each gets a problem document, and nothing leaks."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import Client, Response
from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.dependencies import CurrentDevice, SessionDep, get_committer
from geoservices.accounts.models import Organisation
from geoservices.database import make_engine, make_session_factory
from geoservices.pings.models import Ping
from tests.api import asking
from tests.api.conftest import client_of, with_token
from tests.factories import make_listing, make_place

JSON = {"Content-Type": "application/json"}
SECRET = "someone is at -3.530123, 50.724456"


def assert_problem(answer: Response, status: int, code: str, field: str | None = None) -> None:
    """It is a problem document with every member it must have (the contract checks the rest)."""
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["type"] == f"/problems/{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == answer.request.url.path
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem.get("field") == field


def chunks(count: int) -> Iterator[bytes]:
    """So many mebibytes, one at a time; sent with chunked encoding, so of unknown length."""
    for _ in range(count):
        yield b" " * 1024 * 1024


def test_a_body_of_50_megabytes_is_refused_by_its_length(citizen: Client) -> None:
    """What says it is too long is not read at all."""
    answer = citizen.post("/v1/pings", content=b" " * 50 * 1024 * 1024, headers=JSON)

    assert_problem(answer, 413, "body-too-large")
    assert answer.headers["connection"] == "close"


def test_a_body_of_50_megabytes_in_chunks_is_refused(citizen: Client) -> None:
    """What does not say how long it is, is read up to the limit."""
    answer = citizen.post("/v1/pings", content=chunks(50), headers=JSON)

    assert_problem(answer, 413, "body-too-large")


def test_a_large_body_is_refused_before_the_token_is_looked_at(anyone: Client) -> None:
    """Nobody can make the service read megabytes by leaving out the token."""
    answer = anyone.post("/v1/pings", content=chunks(50), headers=JSON)

    assert_problem(answer, 413, "body-too-large")


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param("text/plain", id="plain text"),
        pytest.param("application/x-www-form-urlencoded", id="a form"),
        pytest.param("multipart/form-data; boundary=x", id="a form with files"),
        pytest.param("application/xml", id="XML"),
        pytest.param("application/jsonp", id="nearly JSON"),
        pytest.param("*/*", id="anything"),
        pytest.param("", id="empty"),
        pytest.param(None, id="none"),
    ],
)
def test_a_body_that_does_not_say_it_is_json_is_refused(
    citizen: Client, content_type: str | None
) -> None:
    """Only JSON and GeoJSON are taken, and only by their names."""
    headers = {} if content_type is None else {"Content-Type": content_type}

    answer = citizen.post("/v1/pings", content=json.dumps(asking.ping()).encode(), headers=headers)

    assert_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON"],
)
def test_json_by_any_of_its_names_is_taken(citizen: Client, content_type: str) -> None:
    """Case and parameters of the media type do not matter."""
    answer = citizen.post(
        "/v1/pings",
        content=json.dumps(asking.ping()).encode(),
        headers={"Content-Type": content_type},
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"{'id': 1}", id="single quotes"),
        pytest.param(b"{} {}", id="two documents"),
        pytest.param(b"nul", id="half a word"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param('{"id": "é"}'.encode("latin-1"), id="Latin-1"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"id": 1}', id="a byte order mark"),
        pytest.param(b'{"id": "\x00"}', id="a raw control character"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="nested 100,000 deep"),
        pytest.param(b'{"pings":' + b"[" * 100 + b"]" * 100 + b"}", id="nested 101 deep"),
        pytest.param(b'{"lon":' * 5000 + b"1" + b"}" * 5000, id="objects 5,000 deep"),
        pytest.param(b'{"lon": ' + b"9" * 5000 + b"}", id="a number of 5,000 digits"),
        pytest.param(b'{"lon": 1, "lat": 50, "lon": 2}', id="a member twice"),
        pytest.param(b'{"pings": [{"lon": 1, "lon": 1}]}', id="a member twice, deep inside"),
        pytest.param(b'{"\\ud800": 1, "\\ud800": 1}', id="half a character twice"),
    ],
)
def test_a_body_that_is_no_clear_json_is_refused(citizen: Client, body: bytes) -> None:
    """It is told apart from JSON that says something wrong."""
    answer = citizen.post("/v1/pings", content=body, headers=JSON)

    assert_problem(answer, 422, "unreadable-body")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"[" * 100 + b"]" * 100, b"1", b'"text"', b"true", b"NaN"]
)
def test_json_that_is_no_object_is_refused(citizen: Client, body: bytes) -> None:
    """The whole body is at fault, so no member is named."""
    answer = citizen.post("/v1/pings", content=body, headers=JSON)

    assert_problem(answer, 422, "invalid-request")


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("9" * 400, id="more than a float holds"),
        pytest.param("-" + "9" * 4000, id="4,000 digits"),
        pytest.param("1e400", id="an exponent too large"),
        pytest.param("NaN", id="not a number"),
    ],
)
@pytest.mark.parametrize("member", ["lon", "lat", "accuracy_m", "speed_mps", "heading_deg"])
def test_a_huge_number_is_refused_by_name(citizen: Client, member: str, number: str) -> None:
    """Python reads integers of any size; a longitude is none of them."""
    body = json.dumps(asking.ping(**{member: 12345.5})).replace("12345.5", number)

    answer = citizen.post("/v1/pings", content=body.encode(), headers=JSON)

    assert_problem(answer, 422, "invalid-request", f"/{member}")


def test_deeply_nested_geometry_is_refused(
    manager: Client, session: Session, organisation: Organisation
) -> None:
    """As deep as the JSON reader goes, whatever comes next still answers."""
    place = make_place(session, organisation)
    session.commit()
    body = json.dumps(asking.geofence(place.id, geometry={"type": "Polygon", "coordinates": 7}))

    answer = manager.post(
        "/v1/geofences",
        content=body.replace("7}", "[" * 90 + "]" * 90 + "}").encode(),
        headers=JSON,
    )

    assert answer.status_code == 422
    assert answer.json()["field"].startswith("/geometry")


BAD_TEXT = [
    pytest.param("\\u0000", id="U+0000"),
    pytest.param("a\\u0000b", id="U+0000 within"),
    pytest.param("\\ud800", id="a lone high surrogate"),
    pytest.param("x\\udfffy", id="a lone low surrogate"),
]
TEXTS = [
    ("manager", "POST", "/v1/devices", "label"),
    ("manager", "POST", "/v1/devices", "time_zone"),
    ("citizen", "PUT", "/v1/consents/nearby", "text_version"),
    ("citizen", "PUT", "/v1/preferences", "time_zone"),
    ("citizen", "POST", "/v1/subscriptions", "endpoint"),
    ("citizen", "POST", "/v1/subscriptions", "keys/p256dh"),
    ("citizen", "POST", "/v1/subscriptions", "keys/auth"),
    ("citizen", "POST", "/v1/subscriptions", "application_server_key"),
    ("citizen", "POST", "/v1/subscriptions", "replaces"),
    ("manager", "POST", "/v1/geofences", "properties/name"),
    ("manager", "POST", "/v1/listings", "title"),
    ("manager", "POST", "/v1/listings", "text"),
    ("manager", "POST", "/v1/campaigns", "name"),
    ("manager", "POST", "/v1/campaigns", "objective"),
]


def right_bodies(session: Session, organisation: Organisation) -> dict[str, Any]:
    """A body that each of the addresses would take."""
    place = make_place(session, organisation)
    listing = make_listing(session, place)
    session.commit()
    return {
        "/v1/devices": {},
        "/v1/consents/nearby": {},
        "/v1/preferences": {},
        "/v1/subscriptions": asking.subscription("key"),
        "/v1/geofences": asking.geofence(place.id),
        "/v1/listings": asking.listing(place.id),
        "/v1/campaigns": asking.campaign(listing.id),
    }


@pytest.mark.parametrize("text", BAD_TEXT)
@pytest.mark.parametrize(("caller", "method", "path", "member"), TEXTS)
def test_text_the_database_cannot_hold_is_refused_by_name(
    session: Session,
    organisation: Organisation,
    request: pytest.FixtureRequest,
    caller: str,
    method: str,
    path: str,
    member: str,
    text: str,
) -> None:
    """PostgreSQL holds neither U+0000 nor half a character."""
    client: Client = request.getfixturevalue(caller)
    body = right_bodies(session, organisation)[path]
    *parents, name = member.split("/")
    holder = body
    for parent in parents:
        holder = holder[parent]
    holder[name] = "TEXT"

    answer = client.request(
        method, path, content=json.dumps(body).replace("TEXT", text).encode(), headers=JSON
    )

    assert_problem(answer, 422, "invalid-request", f"/{member}")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/places?q=%00",
        "/v1/places?q=a%00b",
        "/v1/places?category=%00",
        "/v1/places?near=%00",
        "/v1/places?bbox=1,2,3,%00",
        "/v1/places?cursor=%00",
        "/v1/places?open_now=%00",
        "/v1/places?limit=%00",
        "/v1/places?limit=999999999999999999999999999",
        "/v1/places?limit=0",
        "/v1/places?radius_m=nan",
        "/v1/places?radius_m=inf",
        "/v1/places?radius_m=-1",
        "/v1/places?near=nan,50",
        "/v1/places?near=181,50",
        "/v1/places?near=1e999,50",
        "/v1/places?near=1",
        "/v1/places?near=",
        "/v1/places?bbox=1,2,3",
        "/v1/places?bbox=nan,nan,nan,nan",
        "/v1/places?bbox=0,60,1,50",
        "/v1/places?bbox=-181,50,1,51",
    ],
)
def test_a_query_that_cannot_be_read_names_its_parameter(citizen: Client, path: str) -> None:
    """A query parameter is at fault like a member of a body."""
    name = path.partition("?")[2].partition("=")[0]

    answer = citizen.get(path)

    assert answer.status_code == 422
    assert answer.json()["field"] == f"/{name}"


@pytest.mark.parametrize("text", ["%ED%A0%80", "%FF%FE", "%C0%80", "a%25b", "%5C", "';--"])
def test_strange_bytes_in_a_search_find_nothing(citizen: Client, text: str) -> None:
    """Percent-encoded bytes that are no UTF-8 become U+FFFD; signs of SQL are plain text."""
    answer = citizen.get(f"/v1/places?q={text}")

    assert answer.status_code == 200
    assert answer.json()["features"] == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        pytest.param("/v1/pings", {"surprise": 1}, "/surprise", id="at the top"),
        pytest.param("/v1/pings", {"a/b": 1}, "/a~1b", id="with a slash"),
        pytest.param("/v1/pings", {"m~n": 1}, "/m~0n", id="with a tilde"),
        pytest.param("/v1/pings", {"body": 1}, "/body", id="called body"),
        pytest.param("/v1/pings", {"one-ping": 1}, "/one-ping", id="called like a tag"),
    ],
)
def test_an_unknown_member_is_named(
    citizen: Client, path: str, body: dict[str, Any], field: str
) -> None:
    """A slip in a member's name must not be taken for leaving it out."""
    answer = citizen.post(path, json={**asking.ping(), **body})

    assert_problem(answer, 422, "invalid-request", field)


def test_a_member_with_half_a_character_in_its_name_is_refused(citizen: Client) -> None:
    """The name cannot be written into the answer, so the whole body is at fault."""
    body = json.dumps({**asking.ping(), "NAME": 1}).replace("NAME", "\\ud800")
    batch = f'{{"pings": [{body}]}}'

    single = citizen.post("/v1/pings", content=body.encode(), headers=JSON)
    among = citizen.post("/v1/pings", content=batch.encode(), headers=JSON)

    assert_problem(single, 422, "invalid-request")
    assert among.json()["pings"][0]["verdict"] == "refused"


def test_every_fault_is_listed(citizen: Client) -> None:
    """One answer is enough to put a request right."""
    answer = citizen.post("/v1/pings", json={"id": 1, "lon": 999, "extra": 1})

    faults = answer.json()["errors"]
    assert {fault["field"] for fault in faults} == {
        "/id",
        "/recorded_at",
        "/lon",
        "/lat",
        "/extra",
    }
    assert all(fault["rule"] and fault["detail"] for fault in faults)


def test_a_member_called_body_is_named_when_it_is_at_fault(
    manager: Client, session: Session, organisation: Organisation
) -> None:
    """A campaign has such a member."""
    listing = make_listing(session, make_place(session, organisation))
    session.commit()

    said = asking.saying("Tea", body="")

    answer = manager.post("/v1/campaigns", json=asking.campaign(listing.id, content=said))

    assert_problem(answer, 422, "invalid-request", "/content/0/texts/en-GB/body")


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/", "/v2/pings", "/v1/pings/", "/v1/pings/x/y", "/%00", "/v1/caf%C3%A9"],
)
def test_an_unknown_address_is_a_problem(citizen: Client, path: str) -> None:
    """Also for those who have a token, and without a redirect to another address."""
    answer = citizen.get(path)

    assert answer.status_code in {404, 405}
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == path


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "PUT", "OPTIONS", "TRACE"])
def test_a_wrong_method_is_a_problem(citizen: Client, method: str) -> None:
    """And the header Allow names a right one."""
    answer = citizen.request(method, "/v1/pings")

    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("name", ["x", "1", "%00", "0" * 33, "null", "a" * 3000])
@pytest.mark.parametrize(
    ("caller", "path", "field"),
    [
        ("citizen", "/v1/places/{}", "/place_id"),
        ("citizen", "/v1/notifications/{}", "/notification_id"),
        ("manager", "/v1/geofences/{}", "/geofence_id"),
        ("manager", "/v1/campaigns/{}/outcome", "/campaign_id"),
    ],
)
def test_a_malformed_id_in_the_path_is_named(
    request: pytest.FixtureRequest, caller: str, path: str, field: str, name: str
) -> None:
    """It is no id at all, so it is not "not found" but not valid."""
    client: Client = request.getfixturevalue(caller)

    answer = client.get(path.format(name))

    assert answer.status_code == 422
    assert answer.json()["field"] == field


@pytest.mark.parametrize("host", ["[", "a/b?c=d", "\\", "x" * 3000, ""])
def test_a_nonsensical_host_breaks_nothing(anyone: Client, host: str) -> None:
    """The Host header is the client's word, and nothing is built on it."""
    answer = anyone.get("/v1/visits", headers={"Host": host})

    assert_problem(answer, 401, "unauthenticated")


UNUSUAL = {"Content-Type": "application/geo+json"}
"""Pings of this type are not answered in front of the router."""


class Boom(Exception):
    """Something nobody expected, with a position in its message."""


@pytest.fixture
def broken(application: FastAPI) -> Iterator[None]:
    """A part of the service that fails with words it should keep to itself."""

    def fail() -> None:
        raise Boom(SECRET)

    application.dependency_overrides[get_committer] = fail
    yield
    application.dependency_overrides.clear()


@pytest.mark.usefixtures("broken")
def test_an_unexpected_failure_tells_nothing_of_itself(
    citizen: Client, logged: Callable[[], str]
) -> None:
    """The client gets an id to quote; the log says where, of what class, and not with what."""
    answer = citizen.post("/v1/pings", content=json.dumps(asking.ping()), headers=UNUSUAL)

    told, log = answer.text, logged()
    assert_problem(answer, 500, "internal-error")
    assert "Boom" not in told
    assert SECRET not in told + log
    assert "Boom" in log
    assert "test_bad_requests.py" in log
    assert answer.json()["request_id"] in log
    assert '"status": 500' in log


def test_a_database_error_is_logged_without_its_values(
    citizen: Client, logged: Callable[[], str], application: FastAPI
) -> None:
    """PostgreSQL quotes the failing row and SQLAlchemy the parameters: neither reaches the log."""

    def fail(session: SessionDep, device: CurrentDevice) -> None:
        at = asking.now()
        session.add(
            Ping(
                device_id=device.id,
                id=uuid4(),
                recorded_at=at,
                received_at=at,
                lon=-3.53,
                lat=950.72,
                signs=0,
            )
        )
        session.flush()

    application.dependency_overrides[get_committer] = fail
    try:
        answer = citizen.post("/v1/pings", content=json.dumps(asking.ping()), headers=UNUSUAL)
    finally:
        application.dependency_overrides.clear()

    log = logged()
    assert_problem(answer, 500, "internal-error")
    assert f"{IntegrityError.__module__}.IntegrityError" in log
    assert "23514" in log
    assert "50.72" not in log
    assert "-3.53" not in log


def test_positions_appear_in_no_problem_and_no_log(
    citizen: Client, stranger: Client, logged: Callable[[], str]
) -> None:
    """Whatever is wrong with a request, the position in it is not repeated."""
    here = {"lon": -3.530123, "lat": 50.724456}
    bad: list[dict[str, Any]] = [
        asking.ping(**here, accuracy_m="8"),
        asking.ping(**here, recorded_at="2999-01-01T00:00:00Z"),
        asking.ping(lon=-3.530123, lat=950.724456),
        asking.ping(lon="-3.530123", lat=50.724456),
        {"pings": [asking.ping(**here, id=7), asking.ping(lon=[-3.530123], lat=50.724456)]},
        {"pings": asking.ping(**here)},
        {"position": here},
    ]

    told = [citizen.post("/v1/pings", json=body).text for body in bad]
    told += [citizen.post("/v1/check-ins", json=body).text for body in bad]
    told.append(stranger.post("/v1/pings", json=asking.ping(**here)).text)
    told.append(citizen.get("/v1/places?near=-3.530123,950.724456").text)
    told.append(citizen.get("/v1/places?near=-3.530123,50.724456&limit=0").text)

    everything = "".join(told) + logged()
    assert "530123" not in everything
    assert "724456" not in everything


def test_a_stopped_database_is_a_503_that_says_to_come_back(
    application: FastAPI, logged: Callable[[], str]
) -> None:
    """Sending again is right; no address of the database is told."""
    engine = make_engine("postgresql://nobody@127.0.0.1:1/nothing")
    application.state.sessions = make_session_factory(engine)
    client = with_token(client_of(application), "gsd_anything")

    answers = [
        client.post("/v1/pings", json=asking.ping()),
        client.get("/v1/places"),
        client.post("/v1/devices", json={}),
    ]

    engine.dispose()
    for answer in answers:
        assert_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "5"
        assert "127.0.0.1" not in answer.text
    assert "database_unavailable" in logged()


def test_an_exhausted_pool_is_a_503_too(
    database_url: str, application: FastAPI, session: Session
) -> None:
    """When every connection is taken for too long, the client is asked to wait."""
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    application.state.sessions = make_session_factory(engine)
    client = with_token(client_of(application), "gsd_anything")

    with engine.connect():
        answer = client.get("/v1/places")

    engine.dispose()
    assert_problem(answer, 503, "unavailable")
    assert session.scalar(select(func.count()).select_from(Ping)) == 0
