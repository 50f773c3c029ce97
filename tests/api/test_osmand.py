"""The OsmAnd protocol over HTTP, whose credential stands in the address."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices import withdrawing
from geoservices.accounts.models import Organisation, Purpose
from geoservices.phones.models import PhoneApp
from geoservices.pings.models import Ping
from geoservices.visits.models import Transition
from tests.api.asking import now
from tests.api.phoning import Phone, make_phone, unix
from tests.factories import EXETER, NOON, make_device, make_person


@pytest.fixture
def phone(anyone: Client, session: Session, organisation: Organisation) -> Phone:
    """A citizen's phone with Traccar Client; they agreed to what is nearby."""
    return make_phone(anyone, session, organisation, PhoneApp.TRACCAR, Purpose.NEARBY)


def parameters(phone: Phone, seconds_ago: float = 0, **changes: Any) -> dict[str, Any]:
    """What Traccar Client says in the middle of the library."""
    return {
        "id": phone.token,
        "lat": EXETER[1],
        "lon": EXETER[0],
        "timestamp": unix(seconds_ago),
        "accuracy": 8.0,
        "speed": 0.0,
        "batt": 80.0,
        **changes,
    }


def nested(phone: Phone, **coordinates: Any) -> dict[str, Any]:
    """The same as Traccar Client 9 says it."""
    here = {"latitude": EXETER[1], "longitude": EXETER[0], "accuracy": 8, "speed": -1}
    return {
        "device_id": phone.token,
        "location": {"timestamp": now().isoformat(), "coords": {**here, **coordinates}},
    }


def pings(session: Session) -> int:
    """How many pings are stored."""
    return session.scalars(select(func.count()).select_from(Ping)).one()


@pytest.mark.parametrize("way", ["get", "query", "form", "array", "nested"])
def test_each_way_is_taken_in_and_enters(phone: Phone, session: Session, way: str) -> None:
    """As OsmAnd, Traccar Client before 9, from 10 on, the SDK and Traccar Client 9 speak."""
    told = parameters(phone)
    send: dict[str, Callable[[], Any]] = {
        "get": lambda: phone.client.get("/v1/osmand", params=told),
        "query": lambda: phone.client.post("/v1/osmand", params=told),
        "form": lambda: phone.client.post("/v1/osmand", data=told),
        "array": lambda: phone.client.post("/v1/osmand", json=[told]),
        "nested": lambda: phone.client.post("/v1/osmand", json=nested(phone)),
    }

    answer = send[way]()

    assert (answer.status_code, answer.json()) == (200, {"stored": 1, "dropped": 0})
    assert session.scalars(select(Transition.kind)).all() == ["entered"]


def test_sent_again_it_is_the_same_ping(phone: Phone, session: Session) -> None:
    """In another way even."""
    told = parameters(phone)

    for _ in range(2):
        assert phone.client.get("/v1/osmand", params=told).json()["stored"] == 1
    assert phone.client.post("/v1/osmand", data=told).json()["stored"] == 1

    assert pings(session) == 1


def test_a_batch_is_taken_in_item_by_item(phone: Phone, session: Session) -> None:
    """One phone's, whatever else it holds."""
    batch = [
        parameters(phone, 20),
        parameters(phone, 10, lat=91),
        parameters(phone, 5, id="gsp_other"),
        "x",
        parameters(phone),
    ]

    answer = phone.client.post("/v1/osmand", json=batch)

    assert answer.json() == {"stored": 2, "dropped": 3}
    assert pings(session) == 2


@pytest.mark.parametrize(
    "changes",
    [{"lat": "x"}, {"lat": 91}, {"timestamp": "soon"}, {"timestamp": 1}, {"valid": "false"}],
)
def test_what_can_never_be_taken_in_does_not_block_the_queue(
    phone: Phone, session: Session, changes: dict[str, Any]
) -> None:
    """The app sends in order, and would never come past it."""
    answer = phone.client.get("/v1/osmand", params=parameters(phone, **changes))

    assert (answer.status_code, answer.json()) == (200, {"stored": 0, "dropped": 1})
    assert pings(session) == 0


def test_a_heartbeat_is_accepted(phone: Phone) -> None:
    """It has no position."""
    answer = phone.client.post("/v1/osmand", data={"id": phone.token, "timestamp": unix()})

    assert answer.json() == {"stored": 0, "dropped": 0}


def test_the_id_must_be_a_token_made_for_it(
    phone: Phone, session: Session, logged: Callable[[], str]
) -> None:
    """A device's own token does not belong in an address; a revoked one is worthless."""
    _device, own = make_device(session, make_person(session, Purpose.NEARBY))
    session.commit()
    ids = [own, str(phone.device.id), "123456", "", "gsp_", "\x00"]

    for one in ids:
        answer = phone.client.get("/v1/osmand", params=parameters(phone, id=one))
        assert answer.status_code == 401
        assert one not in answer.text or len(one) < 6
    assert phone.client.post("/v1/osmand", json={"device_id": 5}).status_code == 401
    assert phone.client.post("/v1/osmand").status_code == 401

    phone.link.revoked_at = NOON
    session.commit()
    assert phone.client.get("/v1/osmand", params=parameters(phone)).status_code == 401
    assert phone.token not in logged()
    assert pings(session) == 0


def test_no_log_holds_the_id_or_the_position(phone: Phone, logged: Callable[[], str]) -> None:
    """The access log has the path alone, and a drop is told by its reason."""
    phone.client.get("/v1/osmand", params=parameters(phone))
    phone.client.get("/v1/osmand", params=parameters(phone, lat=91))

    lines = [json.loads(line) for line in logged().splitlines()]
    assert {line["path"] for line in lines if "path" in line} == {"/v1/osmand"}
    assert phone.token not in logged()
    assert str(EXETER[0]) not in logged()


def test_without_consent_the_app_forgets_and_nothing_is_stored(
    phone: Phone, session: Session
) -> None:
    """Kept on the phone, it would come in once they agree."""
    withdrawing.withdraw_consent(session, phone.person, Purpose.NEARBY, at=now())
    session.commit()

    answer = phone.client.get("/v1/osmand", params=parameters(phone))

    assert (answer.status_code, answer.json()) == (200, {"stored": 0, "dropped": 1})
    assert pings(session) == 0


def test_forms_are_taken_nowhere_else(phone: Phone) -> None:
    """Only other people's programs send them."""
    assert phone.client.post("/v1/owntracks", data={"a": "b"}).status_code == 415
    assert phone.client.post("/v1/pings", data={"a": "b"}).status_code == 415
    assert (
        phone.client.post(
            "/v1/osmand", content=b"x", headers={"Content-Type": "text/plain"}
        ).status_code
        == 415
    )


def test_a_batch_that_no_app_would_send_is_refused(phone: Phone) -> None:
    """After who sent it is known."""
    batch = [{"id": phone.token}] * 10_001

    assert phone.client.post("/v1/osmand", json=batch).status_code == 422
    assert phone.client.post("/v1/osmand", json=[{"id": "x"}] * 10_001).status_code == 401


def test_a_form_that_is_too_large_is_refused(phone: Phone) -> None:
    """As any body is."""
    answer = phone.client.post("/v1/osmand", data={"id": "x" * 5_000_000})

    assert answer.status_code == 413
