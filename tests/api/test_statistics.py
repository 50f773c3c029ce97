"""Counts over HTTP: for the place's own managers, of crowds only."""

from datetime import timedelta
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.places.models import Place
from geoservices.visits.models import Visit
from geoservices.visits.transitions import Phase
from tests.factories import NOON, make_device, make_geofence, make_person, make_place

SPAN = {"from": "2026-03-04T12:00:00Z", "until": "2026-03-04T15:00:00Z"}


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """A library with a crowd of ten from noon on, nine of whom left within the hour."""
    place = make_place(session, organisation)
    geofence = make_geofence(session, place)
    for number in range(10):
        ended = number < 9
        session.add(
            Visit(
                id=uuid4(),
                device_id=make_device(session, make_person(session))[0].id,
                geofence_id=geofence.id,
                place_id=place.id,
                organisation_id=organisation.id,
                phase=Phase.ENDED if ended else Phase.INSIDE,
                phase_since=NOON,
                entered_at=NOON + timedelta(minutes=number),
                seen_at=NOON,
                dwell_after=timedelta(minutes=5),
                exited_at=NOON + timedelta(minutes=30) if ended else None,
                confidence=2,
                initial=False,
                due_at=NOON,
            )
        )
    session.commit()
    return place


def test_footfall_is_told_by_hour_without_small_counts(manager: Client, place: Place) -> None:
    """Ten entered, fewer than ten left, one stayed, and what did not happen is 0."""
    answer = manager.get(f"/v1/places/{place.id}/footfall", params=SPAN).json()

    told = [
        (hour["starts_at"], hour["entered"], hour["exited"], hour["visits"], hour["suppressed"])
        for hour in answer["hours"]
    ]
    assert answer["time_zone"] == "Europe/London"
    assert told == [
        ("2026-03-04T12:00:00Z", 10, None, 10, True),
        ("2026-03-04T13:00:00Z", 0, 0, None, True),
        ("2026-03-04T14:00:00Z", 0, 0, None, True),
    ]


def test_presence_does_not_tell_of_one_person(manager: Client, place: Place) -> None:
    """One is inside; who asks learns that there are fewer than ten."""
    answer = manager.get(f"/v1/places/{place.id}/presence").json()

    [geofence] = answer["geofences"]
    assert answer["place_id"] == str(place.id)
    assert geofence["inside"] is None
    assert geofence["suppressed"] is True


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


def test_what_is_to_come_has_no_hours(manager: Client, place: Place) -> None:
    """The last instant of the calendar is no error."""
    span = {"from": "9999-12-31T22:00:00Z", "until": "9999-12-31T23:59:59Z"}

    answer = manager.get(f"/v1/places/{place.id}/footfall", params=span)

    assert answer.json()["hours"] == []
