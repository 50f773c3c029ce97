"""Check-ins over HTTP: recorded, graded, and what they unlock."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation, Purpose
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import Evidence
from geoservices.outbox import OutboxMessage
from geoservices.places.models import Place
from tests.api.asking import check_in, now
from tests.api.conftest import agree
from tests.factories import EXETER, make_geofence, make_listing, make_place

FAR = {"lon": EXETER[0] + 1, "lat": EXETER[1], "accuracy_m": 8}


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library with its geofence, about 57 by 89 m."""
    place = make_place(session, organisation)
    make_geofence(session, place)
    session.commit()
    return place


def beside(metres: float, accuracy_m: float | None) -> dict[str, Any]:
    """A position so many metres north of the geofence's edge."""
    return {
        "lon": EXETER[0],
        "lat": EXETER[1] + 0.0004 + metres / 111_250,
        "accuracy_m": accuracy_m,
    }


@pytest.mark.parametrize(
    ("position", "evidence"),
    [
        pytest.param(beside(-40, 8), "inside", id="in the middle"),
        pytest.param(beside(20, 30), "near", id="on the pavement, not quite sure"),
        pytest.param(beside(60, 8), "self-declared", id="over the road, quite sure"),
        pytest.param(FAR, "self-declared", id="in another county"),
        pytest.param(beside(-40, 500), "self-declared", id="inside, but it may be anywhere"),
        pytest.param(beside(-40, None), "inside", id="inside, of unknown accuracy"),
        pytest.param(None, "self-declared", id="without a position"),
    ],
)
def test_a_check_in_is_recorded_with_what_speaks_for_it(
    citizen: Client,
    session: Session,
    place: Place,
    position: dict[str, Any] | None,
    evidence: str,
) -> None:
    """Nobody is turned away, however far; what the position proves is said."""
    answer = citizen.post("/v1/check-ins", json=check_in(place.id, position=position))

    assert answer.status_code == 201
    assert answer.json()["evidence"] == evidence
    assert session.scalars(select(CheckIn.evidence)).one() == evidence
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 1


def test_the_position_of_a_check_in_is_not_kept(
    citizen: Client, session: Session, place: Place
) -> None:
    """The distance and the grade are all that is needed."""
    answer = citizen.post("/v1/check-ins", json=check_in(place.id))

    stored = session.scalars(select(CheckIn)).one()
    assert "lon" not in answer.text
    assert {"lon", "lat"}.isdisjoint(column.key for column in CheckIn.__table__.columns)
    assert stored.distance_m is not None
    assert stored.distance_m < 0


def test_what_asks_for_more_evidence_stays_locked(
    citizen: Client, session: Session, place: Place
) -> None:
    """The answer lists what is on, and why something is locked."""
    for needed in Evidence:
        make_listing(session, place, title=needed, evidence_needed=needed)
    session.commit()

    inside = citizen.post("/v1/check-ins", json=check_in(place.id)).json()["listings"]
    word = citizen.post("/v1/check-ins", json=check_in(place.id, position=None)).json()["listings"]

    assert {one["listing"]["title"] for one in inside if one["unlocked"]} == {
        *("offline-claim", "self-declared", "code", "near", "inside")
    }
    assert {one["listing"]["title"] for one in word if one["unlocked"]} == {
        *("offline-claim", "self-declared")
    }
    assert all((one["locked_because"] is None) == one["unlocked"] for one in inside + word)


def test_what_is_locked_keeps_its_text_to_itself(
    citizen: Client, session: Session, place: Place
) -> None:
    """With no check-in, only what asks for a person's word tells its text; the titles stay."""
    for needed in Evidence:
        listing = make_listing(session, place, title=needed, evidence_needed=needed)
        listing.text = "The code."
    session.commit()

    def texts(listings: list[dict[str, Any]]) -> dict[str, str | None]:
        return {one["title"]: one["text"] for one in listings}

    def checked_in(position: dict[str, Any] | None) -> dict[str, str | None]:
        body = check_in(place.id, position=position)
        here = citizen.post("/v1/check-ins", json=body).json()["listings"]
        return texts([one["listing"] for one in here])

    def unlocked_at(grade: Evidence) -> dict[str, str | None]:
        return {one: "The code." if one.rank <= grade.rank else None for one in Evidence}

    word = unlocked_at(Evidence.SELF_DECLARED)
    assert texts(citizen.get(f"/v1/places/{place.id}/listings").json()) == word
    assert checked_in(None) == word
    assert checked_in(beside(20, 30)) == unlocked_at(Evidence.NEAR)
    assert checked_in(beside(-40, 8)) == unlocked_at(Evidence.INSIDE)


def test_the_same_id_again_is_the_first_check_in(
    citizen: Client, session: Session, place: Place
) -> None:
    """Even if the phone has moved meanwhile; it is announced once."""
    body = check_in(place.id)

    first = citizen.post("/v1/check-ins", json=body)
    second = citizen.post("/v1/check-ins", json={**body, "position": FAR})

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 1


def test_an_id_used_at_another_place_is_taken(
    citizen: Client, session: Session, organisation: Organisation, place: Place
) -> None:
    """It names another check-in."""
    other = make_place(session, organisation, name="Elsewhere")
    session.commit()
    body = check_in(place.id)
    citizen.post("/v1/check-ins", json=body)

    answer = citizen.post("/v1/check-ins", json={**body, "place_id": str(other.id)})

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/id-taken"


def test_an_id_used_by_another_device_is_taken(
    citizen: Client, stranger: Client, place: Place
) -> None:
    """And nothing of that device's check-in is told."""
    body = check_in(place.id)
    citizen.post("/v1/check-ins", json=body)
    agree(stranger, Purpose.CHECK_IN_CONTENT)

    answer = stranger.post("/v1/check-ins", json=body)

    assert answer.status_code == 409
    assert stranger.get("/v1/check-ins").json()["items"] == []


def test_a_time_that_has_not_come_is_refused(
    citizen: Client, session: Session, place: Place
) -> None:
    """By more than the tolerated five minutes; nothing is stored."""
    ahead = (now() + timedelta(minutes=6)).isoformat()

    answer = citizen.post("/v1/check-ins", json=check_in(place.id, claimed_at=ahead))

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/claimed-in-the-future"
    assert answer.json()["field"] == "/claimed_at"
    assert session.scalar(select(func.count()).select_from(CheckIn)) == 0


def test_a_clock_a_little_ahead_is_forgiven(citizen: Client, place: Place) -> None:
    """It is taken to mean now."""
    ahead = now() + timedelta(minutes=4)

    answer = citizen.post("/v1/check-ins", json=check_in(place.id, claimed_at=ahead.isoformat()))

    assert answer.status_code == 201
    assert answer.json()["claimed_at"] < ahead.isoformat()


@pytest.mark.parametrize(
    "ago",
    [pytest.param(timedelta(minutes=6), id="minutes"), pytest.param(timedelta(days=6), id="days")],
)
def test_what_is_told_late_is_a_claim_about_the_past(
    citizen: Client, place: Place, ago: timedelta
) -> None:
    """A position that old may be anyone's; the visit to the library counts all the same."""
    claimed_at = (now() - ago).isoformat()

    answer = citizen.post("/v1/check-ins", json=check_in(place.id, claimed_at=claimed_at))

    assert answer.status_code == 201
    assert answer.json()["evidence"] == "offline-claim"
    assert [doubt["code"] for doubt in answer.json()["doubts"]] == ["told-late"]
    assert citizen.get("/v1/check-ins").status_code == 200


def test_what_is_open_without_a_check_in_is_open_to_an_offline_claim(
    citizen: Client, session: Session, place: Place
) -> None:
    """It would be odd to lock away what the list of what is on shows to everyone."""
    make_listing(session, place)
    session.commit()
    claimed_at = (now() - timedelta(days=1)).isoformat()

    answer = citizen.post("/v1/check-ins", json=check_in(place.id, claimed_at=claimed_at))

    assert [one["unlocked"] for one in answer.json()["listings"]] == [True]


@pytest.mark.parametrize("ago", [timedelta(days=7, minutes=1), timedelta(days=365_000)])
def test_what_is_told_far_too_late_is_refused(
    citizen: Client, session: Session, place: Place, ago: timedelta
) -> None:
    """Nothing could come of it; nothing is stored."""
    claimed_at = (now() - ago).isoformat()

    answer = citizen.post("/v1/check-ins", json=check_in(place.id, claimed_at=claimed_at))

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/claimed-too-long-ago"
    assert answer.json()["field"] == "/claimed_at"
    assert session.scalar(select(func.count()).select_from(CheckIn)) == 0


@pytest.mark.parametrize(
    "claimed_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "10000-01-01T00:00Z"]
)
def test_a_time_beyond_the_calendar_is_refused(
    citizen: Client, place: Place, claimed_at: str
) -> None:
    """In UTC it would lie before the year 1 or after 9999, and could never be read back."""
    answer = citizen.post("/v1/check-ins", json=check_in(place.id, claimed_at=claimed_at))

    assert answer.status_code == 422
    assert answer.json()["field"] == "/claimed_at"


def test_without_consent_nothing_is_stored(
    stranger: Client, session: Session, place: Place
) -> None:
    """The answer names what the person could agree to."""
    answer = stranger.post("/v1/check-ins", json=check_in(place.id))

    assert answer.status_code == 403
    assert answer.json()["purposes"] == ["check-in-content", "staff-tasks"]
    for table in (CheckIn, OutboxMessage):
        assert session.scalar(select(func.count()).select_from(table)) == 0


def test_an_unknown_place_is_not_found(citizen: Client, session: Session) -> None:
    """Nothing is stored."""
    answer = citizen.post("/v1/check-ins", json=check_in(uuid4()))

    assert answer.status_code == 404
    assert session.scalar(select(func.count()).select_from(CheckIn)) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"position": {"lon": 1}}, "/position/lat", id="half a position"),
        pytest.param(
            {"position": {"lon": 181, "lat": 0}}, "/position/lon", id="beyond the antimeridian"
        ),
        pytest.param({"position": "here"}, "/position", id="a word for a position"),
        pytest.param({"claimed_at": 1772366400}, "/claimed_at", id="seconds since 1970"),
        pytest.param({"id": None}, "/id", id="no id"),
        pytest.param({"evidence": "inside"}, "/evidence", id="the client's own grade"),
    ],
)
def test_an_unreadable_check_in_names_its_fault(
    citizen: Client, place: Place, changes: dict[str, Any], field: str
) -> None:
    """With the path of the member."""
    answer = citizen.post("/v1/check-ins", json=check_in(place.id, **changes))

    assert answer.status_code == 422
    assert answer.json()["field"] == field


def test_check_ins_are_listed_newest_first_in_pages(citizen: Client, place: Place) -> None:
    """Each once."""
    ids = [
        citizen.post(
            "/v1/check-ins",
            json=check_in(place.id, claimed_at=(now() - timedelta(minutes=ago)).isoformat()),
        ).json()["id"]
        for ago in (3, 1, 4, 0, 2)
    ]

    found: list[str] = []
    next_: str | None = "/v1/check-ins?limit=2"
    while next_:
        page = citizen.get(next_).json()
        found += [one["id"] for one in page["items"]]
        next_ = page["next"]

    assert found == [ids[3], ids[1], ids[4], ids[0], ids[2]]
