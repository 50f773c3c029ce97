"""The same request many times at once, each on a connection of its own: it counts once."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx2 import Client

from api.app import create_app
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Purpose
from geoservices.database import DatabaseRole, make_engine, make_session_factory
from geoservices.scopes import confined_sessions
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.conftest import client_of, with_token
from tests.conftest import make_migrated_database
from tests.factories import (
    make_access_token,
    make_device,
    make_geofence,
    make_listing,
    make_organisation,
    make_person,
    make_place,
)

AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Street:
    """A committed world that several connections see."""

    application: FastAPI
    manager: str
    citizen: str
    other_citizen: str
    place_id: UUID
    listing_id: UUID


@pytest.fixture(scope="module")
def street(server_url: str, worker_id: str, settings: Settings) -> Iterator[Street]:
    """A database of this module's own, since what is committed here stays."""
    url = make_migrated_database(server_url, f"test_races_{worker_id}")
    engine = make_engine(url, pool_size=AT_ONCE)
    callers = make_engine(url, role=DatabaseRole.CALLER, pool_size=AT_ONCE)
    sessions = make_session_factory(engine)
    with sessions() as session, session.begin():
        organisation = make_organisation(session)
        place = make_place(session, organisation)
        make_geofence(session, place)
        listing = make_listing(session, place)
        person, other = (
            make_person(session, Purpose.NEARBY, Purpose.CHECK_IN_CONTENT) for _ in range(2)
        )
        made = Street(
            application=create_app(confined_sessions(callers), settings, intake=sessions),
            manager=make_access_token(session, organisation),
            citizen=make_device(session, person)[1],
            other_citizen=make_device(session, other)[1],
            place_id=place.id,
            listing_id=listing.id,
        )
    yield made
    callers.dispose()
    engine.dispose()


def at_once(street: Street, token: str, send: Callable[[Client], Any]) -> list[Any]:
    """Send the same from several clients at the same moment and return the answers."""
    together = Barrier(AT_ONCE)

    def one(_number: int) -> Any:
        client = with_token(client_of(street.application), token)
        together.wait()
        return send(client)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, range(AT_ONCE)))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(
            lambda _: "/v1/listings",
            lambda s: asking.listing(s.place_id, id=str(uuid4())),
            id="a listing",
        ),
        pytest.param(
            lambda _: "/v1/campaigns",
            lambda s: asking.campaign(s.listing_id, id=str(uuid4())),
            id="a campaign",
        ),
        pytest.param(
            lambda s: f"/v1/places/{s.place_id}/codes",
            lambda _: asking.code(id=str(uuid4())),
            id="a code",
        ),
        pytest.param(
            lambda _: "/v1/geofences",
            lambda s: asking.geofence(s.place_id, id_=str(uuid4())),
            id="a geofence",
        ),
    ],
)
def test_the_same_thing_made_at_once_is_made_once(
    street: Street,
    path: Callable[[Street], str],
    body: Callable[[Street], dict[str, Any]],
) -> None:
    """One client made it; the others are told that it is there."""
    address, sent = path(street), body(street)

    answers = at_once(street, street.manager, lambda client: client.post(address, json=sent))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: AT_ONCE - 1}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_the_same_check_in_at_once_is_one(street: Street) -> None:
    """A phone that is impatient sends again before it has heard."""
    sent = asking.check_in(street.place_id)

    answers = at_once(
        street, street.citizen, lambda client: client.post("/v1/check-ins", json=sent)
    )

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: AT_ONCE - 1}


def test_one_person_scanned_at_once_is_checked_in_once(street: Street) -> None:
    """A scanner that reads the same code in every picture its camera takes."""
    phone = with_token(client_of(street.application), street.citizen)
    shown = phone.get("/v1/devices/me/code").json()["code"]
    sent = asking.staff_scan(shown)
    path = f"/v1/places/{street.place_id}/check-ins"

    answers = at_once(street, street.manager, lambda client: client.post(path, json=sent))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: AT_ONCE - 1}
    assert len({answer.text for answer in answers}) == 1


def test_two_people_scanned_with_one_id_at_once_are_one_check_in(street: Street) -> None:
    """Whoever comes second is not checked in under the first one's id, and staff are told."""
    phone = with_token(client_of(street.application), street.citizen)
    other = with_token(client_of(street.application), street.other_citizen)
    codes = [one.get("/v1/devices/me/code").json()["code"] for one in (phone, other)]
    waiting = [{"id": str(uuid4()), "code": code} for code in codes * (AT_ONCE // 2)]
    for one in waiting:
        one["id"] = waiting[0]["id"]
    path = f"/v1/places/{street.place_id}/check-ins"

    answers = at_once(street, street.manager, lambda client: client.post(path, json=waiting.pop()))

    assert Counter(answer.status_code for answer in answers) == {
        201: 1,
        200: AT_ONCE // 2 - 1,
        409: AT_ONCE // 2,
    }


def test_the_same_ping_at_once_is_accepted_once(street: Street) -> None:
    """And it enters each geofence once; other tests of this module draw more of them."""
    sent = asking.ping()

    answers = at_once(street, street.citizen, lambda client: client.post("/v1/pings", json=sent))

    verdicts = Counter(answer.json()["pings"][0]["verdict"] for answer in answers)
    transitions = [one for answer in answers for one in answer.json()["transitions"]]
    assert verdicts == {"accepted": 1, "repeated": AT_ONCE - 1}
    assert {one["kind"] for one in transitions} == {"entered"}
    assert len({one["geofence_id"] for one in transitions}) == len(transitions)


def test_the_same_subscription_at_once_is_one(street: Street) -> None:
    """Each start of the app sends it, and there may be several tabs."""
    client = with_token(client_of(street.application), street.citizen)
    key = client.get("/v1/push/key").json()["application_server_key"]
    sent = asking.subscription(key)

    answers = at_once(
        street, street.citizen, lambda client: client.post("/v1/subscriptions", json=sent)
    )

    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len(client.get("/v1/subscriptions").json()) == 1


def test_a_geofence_redrawn_at_once_keeps_one_of_the_drawings(street: Street) -> None:
    """All read the same revision: one succeeds, the others are told."""
    manager = with_token(client_of(street.application), street.manager)
    made = manager.post("/v1/geofences", json=asking.geofence(street.place_id))
    seen = {"If-Match": made.headers["etag"]}

    answers = at_once(
        street,
        street.manager,
        lambda client: client.put(
            made.headers["location"],
            json=asking.geofence(street.place_id, name=uuid4().hex),
            headers=seen,
        ),
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: AT_ONCE - 1}


def test_agreeing_at_once_is_agreeing(street: Street) -> None:
    """Several taps on a button are one consent, or one withdrawal."""
    path = "/v1/consents/check-in-content"
    body = {"text_version": TEXTS[Purpose.CHECK_IN_CONTENT].version}

    withdrawn = at_once(street, street.citizen, lambda client: client.delete(path))
    agreed = at_once(street, street.citizen, lambda client: client.put(path, json=body))

    assert {answer.status_code for answer in withdrawn} == {204}
    assert {answer.status_code for answer in agreed} == {200}
    assert len({answer.json()["given_at"] for answer in agreed}) == 1


def test_a_joining_code_used_at_once_makes_one_device(street: Street) -> None:
    """Whoever comes first; all others are too late."""
    first = client_of(street.application).post("/v1/devices", json={}).json()["token"]
    code = with_token(client_of(street.application), first).post("/v1/devices/me/joining-code")
    body = {"joining_code": code.json()["code"]}

    answers = at_once(street, "", lambda client: anonymous(client).post("/v1/devices", json=body))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: AT_ONCE - 1}


def test_a_devices_next_token_used_at_once_ends_the_one_before(street: Street) -> None:
    """All who use it are let in, and so are those who still had the other one."""
    first = client_of(street.application).post("/v1/devices", json={}).json()["token"]
    asked = with_token(client_of(street.application), first).post("/v1/devices/me/token")
    following = asked.json()["token"]

    answers = at_once(street, following, lambda client: client.get("/v1/devices/me"))
    before = at_once(street, first, lambda client: client.get("/v1/devices/me"))

    assert {answer.status_code for answer in [*answers, *before]} == {200}


def test_tokens_asked_for_at_once_leave_one_that_works(street: Street) -> None:
    """The last that was made, and the one of now until that is used."""
    first = client_of(street.application).post("/v1/devices", json={}).json()["token"]

    asked = at_once(street, first, lambda client: client.post("/v1/devices/me/token"))

    tokens = [answer.json()["token"] for answer in asked]
    clients = [with_token(client_of(street.application), token) for token in tokens]
    still = with_token(client_of(street.application), first).get("/v1/devices/me").status_code
    statuses = Counter(client.get("/v1/devices/me").status_code for client in clients)
    assert still == 200
    assert statuses == {200: 1, 401: AT_ONCE - 1}


def anonymous(client: Client) -> Client:
    """The same client without its token."""
    del client.headers["Authorization"]
    return client
