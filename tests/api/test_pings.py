"""Pings over HTTP: verdicts, batches, retries, and everything that must be refused."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.outbox import OutboxMessage
from geoservices.pings.models import Ping
from geoservices.visits.models import Visit
from tests.api.asking import ping
from tests.factories import EXETER, make_geofence, make_place


def test_a_single_ping_is_accepted_and_enters(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """Clearly inside at first sight: entered, initial, with full confidence."""
    place = make_place(session, organisation)
    make_geofence(session, place)
    session.commit()

    answer = citizen.post("/v1/pings", json=ping())

    assert answer.status_code == 200
    [transition] = answer.json()["transitions"]
    assert answer.json()["pings"][0]["verdict"] == "accepted"
    assert transition["kind"] == "entered"
    assert transition["initial"] is True
    assert transition["confidence"] == 3
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 1


def test_the_same_batch_twice_is_stored_and_announced_once(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """A phone that heard no answer sends again; nothing happens twice."""
    make_geofence(session, make_place(session, organisation))
    session.commit()
    batch = {"pings": [ping(seconds_ago=20), ping(seconds_ago=10), ping()]}

    first = citizen.post("/v1/pings", json=batch).json()
    second = citizen.post("/v1/pings", json=batch).json()

    assert [one["verdict"] for one in first["pings"]] == ["accepted"] * 3
    assert [one["verdict"] for one in second["pings"]] == ["repeated"] * 3
    assert second["transitions"] == []
    assert session.scalar(select(func.count()).select_from(Ping)) == 3
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 1


def test_one_bad_ping_harms_no_other(citizen: Client, session: Session) -> None:
    """The good ones are stored; each bad one says which it is, which member and which rule."""
    batch = {"pings": [ping(), ping(lat=91), {"id": "x"}, ping(seconds_ago=5)]}

    answer = citizen.post("/v1/pings", json=batch)

    assert answer.status_code == 200
    told = answer.json()["pings"]
    assert [one["verdict"] for one in told] == ["accepted", "refused", "refused", "accepted"]
    assert [one["index"] for one in told] == [0, 1, 2, 3]
    assert told[1]["faults"][0]["field"] == "/lat"
    assert {fault["field"] for fault in told[2]["faults"]} == {
        "/id",
        "/recorded_at",
        "/lon",
        "/lat",
    }
    assert session.scalar(select(func.count()).select_from(Ping)) == 2


def test_a_late_ping_is_stored_and_changes_nothing(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """What is older than the last followed ping invents no transition."""
    make_geofence(session, make_place(session, organisation))
    session.commit()
    citizen.post("/v1/pings", json=ping(lon=-3.60))

    late = citizen.post("/v1/pings", json=ping(seconds_ago=60)).json()

    assert late["pings"][0]["verdict"] == "late"
    assert late["transitions"] == []
    assert session.scalar(select(func.count()).select_from(Visit)) == 0


def test_without_consent_nothing_is_stored(stranger: Client, session: Session) -> None:
    """The phone of someone who agreed to nothing is turned away, and the tables stay empty."""
    answer = stranger.post("/v1/pings", json={"pings": [ping(), ping(seconds_ago=5)]})

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/consent-missing"
    assert answer.json()["purposes"] == ["nearby", "staff-tasks"]
    for table in (Ping, Visit, OutboxMessage):
        assert session.scalar(select(func.count()).select_from(table)) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"lat": 90.01}, "/lat", id="latitude beyond the pole"),
        pytest.param({"lon": -180.5}, "/lon", id="longitude beyond the antimeridian"),
        pytest.param({"lat": -3.53, "lon": 150.72, "accuracy_m": "8"}, "/accuracy_m", id="text"),
        pytest.param({"lon": None}, "/lon", id="no longitude"),
        pytest.param({"lon": True}, "/lon", id="a truth value is no number"),
        pytest.param({"recorded_at": "2026-03-01T12:00:00"}, "/recorded_at", id="no offset"),
        pytest.param({"recorded_at": 1772366400}, "/recorded_at", id="seconds since 1970"),
        pytest.param({"id": "seven"}, "/id", id="no id"),
        pytest.param({"altitude": 3}, "/altitude", id="an unknown member"),
        pytest.param({"accuracy_m": 1e9}, "/accuracy_m", id="an accuracy larger than the Earth"),
    ],
)
def test_an_unreadable_ping_names_its_fault(
    citizen: Client, session: Session, changes: dict[str, Any], field: str
) -> None:
    """A single unreadable ping is a problem document with the field, and nothing is stored."""
    answer = citizen.post("/v1/pings", json=ping(**changes))

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert answer.json()["errors"][0]["rule"]
    assert session.scalar(select(func.count()).select_from(Ping)) == 0


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_not_finite_is_refused(citizen: Client, number: str) -> None:
    """Some JSON writers make these; none is a longitude."""
    text = f'{{"id":"{uuid4()}","recorded_at":"2026-03-01T12:00:00Z","lon":{number},"lat":50}}'

    answer = citizen.post("/v1/pings", content=text, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422
    assert answer.json()["field"] == "/lon"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"recorded_at": "1970-01-01T00:00:00Z"}, "recorded-too-long-ago", id="1970"),
        pytest.param({"recorded_at": "2999-01-01T00:00:00Z"}, "recorded-in-the-future", id="2999"),
        pytest.param(
            {"lon": EXETER[1], "lat": EXETER[0]}, "position-looks-swapped", id="latitude first"
        ),
    ],
)
def test_a_ping_that_cannot_be_true_is_refused(
    citizen: Client,
    session: Session,
    organisation: Organisation,
    changes: dict[str, Any],
    code: str,
) -> None:
    """It can be read, but not believed: the verdict says why, and nothing is stored."""
    make_geofence(session, make_place(session, organisation))
    session.commit()

    [told] = citizen.post("/v1/pings", json=ping(**changes)).json()["pings"]

    assert told["verdict"] == "refused"
    assert told["faults"][0]["code"] == code
    assert session.scalar(select(func.count()).select_from(Ping)) == 0


@pytest.mark.parametrize("accuracy", [0, -1, None])
def test_no_accuracy_means_unknown(citizen: Client, session: Session, accuracy: Any) -> None:
    """0 and -1 are how phones say they do not know; it is stored as unknown."""
    answer = citizen.post("/v1/pings", json=ping(accuracy_m=accuracy))

    assert answer.json()["pings"][0]["verdict"] == "accepted"
    assert session.scalars(select(Ping.accuracy_m)).one() is None


def test_too_large_a_batch_is_refused_whole(citizen: Client, session: Session) -> None:
    """1,001 pings are one too many; the problem says how many are taken."""
    answer = citizen.post("/v1/pings", json={"pings": [ping() for _ in range(1001)]})

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/batch-too-large"
    assert session.scalar(select(func.count()).select_from(Ping)) == 0


def test_a_thousand_pings_cost_a_handful_of_statements(
    citizen: Client, session: Session, organisation: Organisation, statements: list[str]
) -> None:
    """Intake is set-based: the statements do not grow with the pings."""
    make_geofence(session, make_place(session, organisation))
    session.commit()
    citizen.post("/v1/pings", json=ping(seconds_ago=3000))
    statements.clear()

    citizen.post("/v1/pings", json={"pings": [ping(seconds_ago=s) for s in range(2000, 1990, -1)]})
    few = len(statements)
    statements.clear()
    citizen.post("/v1/pings", json={"pings": [ping(seconds_ago=s) for s in range(1500, 500, -1)]})

    assert len(statements) <= few + 2  # A thousand rows go in two pages of one INSERT.
    assert few <= 20


def test_a_geofence_made_before_a_ping_is_never_missed(
    citizen: Client, session: Session, organisation: Organisation
) -> None:
    """The index is checked against the table on every request."""
    place = make_place(session, organisation)
    session.commit()
    assert citizen.post("/v1/pings", json=ping(seconds_ago=9)).json()["transitions"] == []

    make_geofence(session, place)
    session.commit()

    [entered] = citizen.post("/v1/pings", json=ping()).json()["transitions"]
    assert entered["kind"] == "entered"
