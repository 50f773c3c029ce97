"""Rules of presence over HTTP: an organisation's, and a geofence's own."""

from typing import Any

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation
from geoservices.places.models import Place
from tests.api.asking import geofence
from tests.api.conftest import with_token
from tests.factories import make_access_token, make_organisation, make_place

PATH = "/v1/organisation/presence"


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    session.commit()
    return place


def said(answer: Any) -> dict[str, Any]:
    """What of an answer's rules is not null."""
    return {name: value for name, value in answer.items() if value is not None}


def test_an_organisations_rules_come_back_as_they_were_put(admin: Client) -> None:
    """All of them are listed; null is what the organisation leaves to the service."""
    nothing = admin.get(PATH).json()

    put = admin.put(PATH, json={"silence": "PT45M", "reach_m": 25})

    assert said(nothing) == {}
    assert put.status_code == 200
    assert said(put.json()) == {"silence": "PT45M", "reach_m": 25}
    assert admin.get(PATH).json() == put.json()
    assert set(nothing) == set(put.json())


def test_what_was_read_may_be_put_back(admin: Client) -> None:
    """Null members mean what leaving them out means."""
    admin.put(PATH, json={"silence": "PT45M"})

    again = admin.put(PATH, json=admin.get(PATH).json())

    assert said(again.json()) == {"silence": "PT45M"}


def test_an_organisations_rules_move_its_geofences_revisions(admin: Client, place: Place) -> None:
    """So that every process reads them; the same rules again move nothing."""
    made = admin.post("/v1/geofences", json=geofence(place.id))
    path = made.headers["location"]

    admin.put(PATH, json={"silence": "PT45M"})
    moved = admin.get(path).headers["etag"]
    admin.put(PATH, json={"silence": "PT45M"})

    assert moved != made.headers["etag"]
    assert admin.get(path).headers["etag"] == moved


def test_another_organisation_has_rules_of_its_own(
    anyone: Client, admin: Client, session: Session
) -> None:
    """What one admin puts, another one neither sees nor changes."""
    kent = make_organisation(session, "kent")
    token = make_access_token(session, kent, Role.ADMIN)
    session.commit()
    other = with_token(anyone, token)

    other.put(PATH, json={"silence": "PT20M"})
    admin.put(PATH, json={"silence": "PT45M"})

    assert said(other.get(PATH).json()) == {"silence": "PT20M"}


def test_a_geofence_has_rules_of_its_own(admin: Client, place: Place) -> None:
    """They come back with it, a redrawing without them takes them away."""
    body = geofence(place.id, presence={"reach_m": 50, "confirm_exit_after": "PT1M"})

    made = admin.post("/v1/geofences", json=body)
    path = made.headers["location"]
    redrawn = admin.put(path, json=geofence(place.id))

    assert made.status_code == 201
    assert said(made.json()["properties"]["presence"]) == {
        "reach_m": 50,
        "confirm_exit_after": "PT1M",
    }
    assert said(redrawn.json()["properties"]["presence"]) == {}
    assert redrawn.headers["etag"] != made.headers["etag"]


@pytest.mark.parametrize(
    ("presence", "problem"),
    [
        pytest.param({"reach_m": "50"}, "invalid-request", id="text for a number"),
        pytest.param({"reach_m": -1}, "invalid-request", id="less than nothing"),
        pytest.param({"silence": "soon"}, "invalid-request", id="no time"),
        pytest.param({"noise_gate": 1}, "invalid-request", id="what is the service's alone"),
        pytest.param({"silence": "PT1M"}, "presence-refused", id="no sense together"),
    ],
)
def test_rules_that_cannot_be_are_refused_and_change_nothing(
    admin: Client, place: Place, presence: dict[str, Any], problem: str
) -> None:
    """For an organisation and for a geofence."""
    put = admin.put(PATH, json=presence)
    made = admin.post("/v1/geofences", json=geofence(place.id, presence=presence))

    for answer in (put, made):
        assert answer.status_code == 422
        assert answer.json()["type"] == f"/problems/{problem}"
    assert said(admin.get(PATH).json()) == {}
    assert admin.get("/v1/geofences").json()["features"] == []


def test_a_geofences_rules_must_go_with_its_organisations(admin: Client, place: Place) -> None:
    """What would do over the service's rules may not do over these, and the other way round."""
    slow = geofence(place.id, presence={"confirm_exit_after": "PT20M"})

    admin.put(PATH, json={"silence": "PT10M"})
    refused = admin.post("/v1/geofences", json=slow)
    admin.put(PATH, json={})
    made = admin.post("/v1/geofences", json=slow)
    contradicted = admin.put(PATH, json={"silence": "PT10M"})

    assert refused.json()["type"] == "/problems/presence-refused"
    assert made.status_code == 201
    assert contradicted.json()["type"] == "/problems/presence-refused"
