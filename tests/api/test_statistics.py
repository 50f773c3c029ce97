"""Counts over HTTP: for the place's own managers, of crowds only."""

from datetime import timedelta

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.places.models import Place
from geoservices.settings.service import Settings
from geoservices.statistics import service
from geoservices.visits.models import Visit
from tests.api.asking import now
from tests.counting import make_visit, make_visitors
from tests.factories import NOON, make_geofence, make_place

SPAN = {"from": "2026-03-04T12:00:00Z", "until": "2026-03-04T15:00:00Z"}
DAYS = {"first": "2026-03-04", "last": "2026-03-05"}


@pytest.fixture
def place(session: Session, organisation: Organisation, settings: Settings) -> Place:
    """A library to which twelve came at noon, and three at two, on a day that is counted."""
    place = make_place(session, organisation)
    geofence = make_geofence(session, place)
    for number, device_id in enumerate(make_visitors(session, 15)):
        make_visit(session, geofence, device_id, NOON + timedelta(hours=0 if number < 12 else 2))
    at = NOON + timedelta(days=3)
    while service.count_next_day(session, organisation.id, settings=settings, at=at):
        pass
    session.commit()
    return place


def test_footfall_is_told_by_hour_without_small_counts(manager: Client, place: Place) -> None:
    """About ten came at noon; few and nobody look alike."""
    answer = manager.get(f"/v1/places/{place.id}/footfall", params=SPAN).json()

    told = [(hour["starts_at"], hour["people"], hour["suppressed"]) for hour in answer["hours"]]
    assert answer["time_zone"] == "Europe/London"
    assert told == [
        ("2026-03-04T12:00:00Z", 10, False),
        ("2026-03-04T13:00:00Z", None, True),
        ("2026-03-04T14:00:00Z", None, True),
    ]


@pytest.mark.usefixtures("place")
def test_the_grid_is_told_by_cell_and_day(manager: Client) -> None:
    """With the box of the cell, which holds the place."""
    answer = manager.get("/v1/statistics/grid", params=DAYS).json()

    [cell] = answer["cells"]
    west, south, east, north = cell["bbox"]
    assert (cell["day"], cell["people"], len(cell["cell"])) == ("2026-03-04", 10, 6)
    assert west < -3.5301 < east
    assert south < 50.7244 < north


def test_presence_is_told_once_enough_are_there(
    manager: Client, session: Session, organisation: Organisation
) -> None:
    """Of nine nothing, of twelve about ten."""
    place = make_place(session, organisation)
    geofence = make_geofence(session, place)
    answers = []
    for count in (9, 3):
        for device_id in make_visitors(session, count):
            make_visit(session, geofence, device_id, NOON, open_=True)
        service.count_present(session, smallest=10, at=now())
        session.commit()
        answers.append(manager.get(f"/v1/places/{place.id}/presence").json())

    assert [answer["people"] for answer in answers] == [None, 10]
    assert [answer["suppressed"] for answer in answers] == [True, False]


def test_an_answer_names_nobody(manager: Client, session: Session, place: Place) -> None:
    """Neither a device nor a visit nor a moment of one."""
    ids = {str(visit.device_id) for visit in session.query(Visit)}
    ids |= {str(visit.id) for visit in session.query(Visit)}

    for path in ("presence", "footfall"):
        told = manager.get(f"/v1/places/{place.id}/{path}", params=SPAN).text
        assert not any(id_ in told for id_ in ids)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"until": "2026-03-04T12:00:00Z"}, "range-refused"),
        ({"until": "2026-04-05T12:00:00Z"}, "range-refused"),
        ({"from": "0001-01-01T00:00:00Z", "until": "0001-01-02T00:00:00Z"}, "range-refused"),
        ({"until": "2026-03-04T15:00:00"}, "invalid-request"),
        ({"until": "tomorrow"}, "invalid-request"),
    ],
)
def test_a_span_that_is_none_is_refused(
    manager: Client, place: Place, changes: dict[str, str], code: str
) -> None:
    """With a problem that says what would be right."""
    answer = manager.get(f"/v1/places/{place.id}/footfall", params={**SPAN, **changes})

    assert answer.status_code == 422
    assert answer.json()["type"] == f"/problems/{code}"


@pytest.mark.parametrize(
    "days",
    [
        {"first": "2026-03-05", "last": "2026-03-04"},
        {"first": "2026-03-01", "last": "2026-04-01"},
        {"first": "0001-01-01", "last": "0001-01-02"},
        {"first": "9999-12-30", "last": "9999-12-01"},
    ],
)
def test_days_that_are_none_are_refused(manager: Client, days: dict[str, str]) -> None:
    """Backwards, too many, or from before anything was counted."""
    answer = manager.get("/v1/statistics/grid", params=days)

    assert answer.json()["type"] == "/problems/range-refused"


def test_what_is_to_come_has_no_hours(manager: Client, place: Place) -> None:
    """The last instant of the calendar is no error."""
    span = {"from": "9999-12-31T22:00:00Z", "until": "9999-12-31T23:59:59Z"}

    answer = manager.get(f"/v1/places/{place.id}/footfall", params=span)

    assert answer.json()["hours"] == []
