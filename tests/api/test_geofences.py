"""Geofences over HTTP: GeoJSON in and out, and everything that cannot be watched."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.geofences.models import Geofence
from geoservices.places.models import Place
from tests.api import asking
from tests.api.asking import SQUARE, geofence
from tests.api.conftest import with_token
from tests.factories import EXETER, make_access_token, make_organisation, make_place

JSON = {"Content-Type": "application/geo+json"}
HOLE = [
    [-3.5305, 50.7242],
    [-3.5305, 50.7248],
    [-3.5295, 50.7248],
    [-3.5295, 50.7242],
    [-3.5305, 50.7242],
]
ELSEWHERE = [[lon + 0.01, lat] for lon, lat in SQUARE]


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    session.commit()
    return place


@pytest.mark.parametrize(
    ("geometry", "radius_m"),
    [
        pytest.param({"type": "Polygon", "coordinates": [SQUARE]}, None, id="a polygon"),
        pytest.param({"type": "Polygon", "coordinates": [SQUARE, HOLE]}, None, id="with a hole"),
        pytest.param(
            {"type": "MultiPolygon", "coordinates": [[SQUARE], [ELSEWHERE]]}, None, id="two"
        ),
        pytest.param({"type": "Point", "coordinates": list(EXETER)}, 50.5, id="a circle"),
    ],
)
def test_a_geofence_comes_back_as_it_was_drawn(
    manager: Client, place: Place, geometry: dict[str, Any], radius_m: float | None
) -> None:
    """As a Feature, with its address and its revision as the ETag."""
    made = manager.post(
        "/v1/geofences", json=geofence(place.id, geometry=geometry, radius_m=radius_m)
    )
    read = manager.get(made.headers["location"])

    assert made.status_code == 201
    assert made.headers["content-type"] == "application/geo+json"
    assert read.json() == made.json()
    assert read.headers["etag"] == made.headers["etag"]
    assert read.headers["etag"] == f'"{read.json()["properties"]["revision"]}"'
    assert read.json()["geometry"] == geometry
    assert read.json()["properties"]["radius_m"] == radius_m


def test_geojson_is_taken_by_its_own_media_type(manager: Client, place: Place) -> None:
    """RFC 7946 registers application/geo+json."""
    assert manager.post("/v1/geofences", json=geofence(place.id), headers=JSON).status_code == 201


def test_rings_are_turned_the_right_way_and_altitudes_dropped(
    manager: Client, place: Place
) -> None:
    """RFC 7946 asks readers to take either direction and writers to keep one."""
    clockwise = [[*position, 12.0] for position in reversed(SQUARE)]

    made = manager.post(
        "/v1/geofences",
        json=geofence(place.id, geometry={"type": "Polygon", "coordinates": [clockwise]}),
    )

    assert made.json()["geometry"]["coordinates"] == [SQUARE]


def test_the_same_id_and_content_again_changes_nothing(
    manager: Client, place: Place, session: Session
) -> None:
    """A client that heard no answer sends again and gets the first geofence."""
    body = geofence(place.id, id_=str(uuid4()))

    first, second = (manager.post("/v1/geofences", json=body) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.headers["etag"] == second.headers["etag"]
    assert session.scalar(select(func.count()).select_from(Geofence)) == 1


def test_the_same_id_with_other_content_is_a_conflict(manager: Client, place: Place) -> None:
    """An id names one thing; what is there stays as it is."""
    id_ = str(uuid4())
    manager.post("/v1/geofences", json=geofence(place.id, id_=id_))

    answer = manager.post("/v1/geofences", json=geofence(place.id, id_=id_, margin_m=5.0))

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/id-taken"
    assert manager.get(f"/v1/geofences/{id_}").json()["properties"]["margin_m"] == 0


def test_an_id_of_another_organisations_geofence_is_taken(
    manager: Client, anyone: Client, session: Session, place: Place
) -> None:
    """And what it names is not shown."""
    body = geofence(place.id, id_=str(uuid4()))
    manager.post("/v1/geofences", json=body)
    dorset = make_organisation(session, "dorset")
    theirs = make_place(session, dorset)
    token = make_access_token(session, dorset)
    session.commit()

    answer = with_token(anyone, token).post(
        "/v1/geofences", json=geofence(theirs.id, id_=body["id"])
    )

    assert answer.status_code == 409
    assert str(place.id) not in answer.text


def test_replacing_makes_it_what_is_said_and_raises_the_revision(
    manager: Client, place: Place
) -> None:
    """Everything is replaced: what is left out is as if it had never been said."""
    made = manager.post("/v1/geofences", json=geofence(place.id, margin_m=7.0, enabled=False))

    replaced = manager.put(
        made.headers["location"],
        json=geofence(
            place.id, geometry={"type": "Point", "coordinates": list(EXETER)}, radius_m=80.0
        ),
        headers={"If-Match": made.headers["etag"]},
    )

    told = replaced.json()["properties"]
    assert replaced.status_code == 200
    assert (told["margin_m"], told["enabled"], told["radius_m"]) == (0, True, 80)
    assert told["revision"] > made.json()["properties"]["revision"]
    assert replaced.headers["etag"] == f'"{told["revision"]}"'


def test_a_change_by_someone_else_is_not_overwritten(manager: Client, place: Place) -> None:
    """Two managers read the same revision; the second to write is told."""
    made = manager.post("/v1/geofences", json=geofence(place.id))
    address, seen = made.headers["location"], {"If-Match": made.headers["etag"]}
    manager.put(address, json=geofence(place.id, name="First"), headers=seen)

    answer = manager.put(address, json=geofence(place.id, name="Second"), headers=seen)

    assert answer.status_code == 412
    assert answer.json()["type"] == "/problems/geofence-changed"
    assert answer.json()["revision"] > made.json()["properties"]["revision"]
    assert manager.get(address).json()["properties"]["name"] == "First"


@pytest.mark.parametrize("if_match", ["*", None])
def test_without_a_revision_whatever_is_there_is_replaced(
    manager: Client, place: Place, if_match: str | None
) -> None:
    """`*` means any that exists (RFC 9110 section 13.1.1)."""
    address = manager.post("/v1/geofences", json=geofence(place.id)).headers["location"]
    headers = {} if if_match is None else {"If-Match": if_match}

    answer = manager.put(address, json=geofence(place.id, name="New"), headers=headers)

    assert answer.status_code == 200


@pytest.mark.parametrize("if_match", ['W/"1"', '"x"', '"1", "2"', '"-1"', "", '"' + "9" * 5000])
def test_an_unreadable_revision_is_refused(manager: Client, place: Place, if_match: str) -> None:
    """Guessing would overwrite someone's work."""
    address = manager.post("/v1/geofences", json=geofence(place.id)).headers["location"]

    answer = manager.put(address, json=geofence(place.id), headers={"If-Match": if_match})

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/if-match-refused"
    assert answer.json()["field"] == "/if-match"


def test_a_deleted_geofence_is_gone_for_good(manager: Client, place: Place) -> None:
    """Deleting again changes nothing; its id is not given out again."""
    body = geofence(place.id, id_=str(uuid4()))
    address = manager.post("/v1/geofences", json=body).headers["location"]

    deleted = [manager.delete(address).status_code for _ in range(2)]

    assert deleted == [204, 204]
    assert manager.get(address).status_code == 404
    assert manager.put(address, json=body).status_code == 404
    assert manager.post("/v1/geofences", json=body).status_code == 409
    assert manager.get("/v1/geofences").json()["features"] == []


def ring(count: int) -> list[list[float]]:
    """A closed ring of so many positions, as a comb that never crosses itself."""
    top = [[round(n * 1e-5, 5), 50.1 + n % 2 * 1e-3] for n in range(count - 3)]
    return [*top, [top[-1][0], 50.0], [0.0, 50.0], top[0]]


BOW_TIE = [[0, 50], [0.01, 50.01], [0.01, 50], [0, 50.01], [0, 50]]


@pytest.mark.parametrize(
    ("geometry", "field"),
    [
        pytest.param(
            {"type": "Polygon", "coordinates": [BOW_TIE]}, "/geometry/coordinates", id="a bow-tie"
        ),
        pytest.param(
            {"type": "Polygon", "coordinates": [SQUARE[:-1]]},
            "/geometry/coordinates/0/3",
            id="not closed",
        ),
        pytest.param(
            {"type": "Polygon", "coordinates": []}, "/geometry/coordinates", id="no rings"
        ),
        pytest.param(
            {"type": "Polygon", "coordinates": [[]]}, "/geometry/coordinates/0", id="an empty ring"
        ),
        pytest.param(
            {"type": "Polygon", "coordinates": [[SQUARE[0]] * 5]},
            "/geometry/coordinates/0",
            id="a single spot",
        ),
        pytest.param(
            {"type": "Polygon", "coordinates": [ring(100_000)]},
            "/geometry/coordinates",
            id="100,000 vertices",
        ),
        pytest.param(
            {"type": "Polygon", "coordinates": [[[lat, lon] for lon, lat in SQUARE]]},
            "/geometry/coordinates",
            id="latitude first",
        ),
        pytest.param(
            {"type": "Polygon", "coordinates": [[[50, 120], [51, 120], [51, 121], [50, 120]]]},
            "/geometry/coordinates/0/0",
            id="beyond the pole",
        ),
        pytest.param(
            {"type": "Polygon", "coordinates": [[["0", "50"]] * 4]},
            "/geometry/coordinates/0/0/0",
            id="text for numbers",
        ),
        pytest.param(
            {"type": "Polygon", "coordinates": [[[True, False]] * 4]},
            "/geometry/coordinates/0/0/0",
            id="truth values for numbers",
        ),
        pytest.param(
            {"type": "Polygon", "coordinates": [[[170, 50], [-170, 50], [-170, 51], [170, 50]]]},
            "/geometry/coordinates/0/1",
            id="over the antimeridian uncut",
        ),
        pytest.param({"type": "Polygon"}, "/geometry", id="no coordinates"),
        pytest.param({"type": "LineString", "coordinates": SQUARE}, "/geometry/type", id="a line"),
        pytest.param({"type": ["Polygon"]}, "/geometry/type", id="a list for a type"),
        pytest.param({"type": None}, "/geometry/type", id="no type"),
        pytest.param(
            {"type": "Point", "coordinates": list(EXETER)}, "/properties/radius_m", id="no radius"
        ),
        pytest.param(
            {"type": "Point", "coordinates": []}, "/geometry/coordinates", id="an empty point"
        ),
    ],
)
def test_an_area_that_cannot_be_watched_is_refused(
    manager: Client, place: Place, session: Session, geometry: dict[str, Any], field: str
) -> None:
    """The problem names the very coordinate and the rule, and nothing is stored."""
    answer = manager.post("/v1/geofences", json=geofence(place.id, geometry=geometry))

    assert answer.status_code == 422
    assert answer.json()["field"].startswith(field)
    assert answer.json()["detail"]
    assert session.scalar(select(func.count()).select_from(Geofence)) == 0


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
def test_coordinates_that_are_not_finite_are_refused(
    manager: Client, place: Place, number: str
) -> None:
    """JSON has no such numbers, but some writers make them."""
    body = asking.geofence(place.id, geometry={"type": "Polygon", "coordinates": "HERE"})
    text = str(SQUARE).replace("-3.529", number, 1)
    raw = json.dumps(body).replace('"HERE"', f"[{text}]")

    answer = manager.post("/v1/geofences", content=raw.encode(), headers=JSON)

    assert answer.status_code == 422
    assert answer.json()["field"].startswith("/geometry/coordinates/0/1")


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        pytest.param({"radius_m": 4.9}, "/properties/radius_m", id="too small a radius"),
        pytest.param({"radius_m": 50_001}, "/properties/radius_m", id="too large a radius"),
        pytest.param({"radius_m": 60.0}, "/properties/radius_m", id="a polygon with a radius"),
        pytest.param({"margin_m": -1}, "/properties/margin_m", id="a margin inwards"),
        pytest.param({"margin_m": 1001}, "/properties/margin_m", id="too wide a margin"),
        pytest.param({"dwell_after": "PT29S"}, "/properties/dwell_after", id="dwelling at once"),
        pytest.param({"dwell_after": "P2D"}, "/properties/dwell_after", id="dwelling for days"),
        pytest.param({"dwell_after": "soon"}, "/properties/dwell_after", id="no duration"),
        pytest.param({"name": " "}, "/properties/name", id="a blank name"),
        pytest.param({"name": "x" * 121}, "/properties/name", id="too long a name"),
        pytest.param({"place_id": "x"}, "/properties/place_id", id="no id"),
        pytest.param({"colour": "red"}, "/properties/colour", id="an unknown member"),
    ],
)
def test_a_property_out_of_its_range_is_refused(
    manager: Client, place: Place, properties: dict[str, Any], field: str
) -> None:
    """The problem names the member where it stands in the Feature."""
    body = geofence(place.id)
    body["properties"] |= properties

    answer = manager.post("/v1/geofences", json=body)

    assert answer.status_code == 422
    assert answer.json()["field"] == field


@pytest.mark.parametrize("whose", ["nobody's", "another organisation's"])
def test_a_place_that_is_not_ours_is_not_found(
    manager: Client, session: Session, whose: str
) -> None:
    """Neither can be told from the other."""
    other = make_place(session, make_organisation(session, "dorset"))
    session.commit()
    place_id: UUID = uuid4() if whose == "nobody's" else other.id

    answer = manager.post("/v1/geofences", json=geofence(place_id))

    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no such place, or it is not yours to see."


def test_a_geofence_may_lie_well_away_from_its_place(manager: Client, place: Place) -> None:
    """A park-and-ride miles out is no slip; only exchanged numbers are refused."""
    away = [[lon + 2, lat - 2] for lon, lat in SQUARE]

    answer = manager.post(
        "/v1/geofences",
        json=geofence(place.id, geometry={"type": "Polygon", "coordinates": [away]}),
    )

    assert answer.status_code == 201


def test_geofences_are_listed_by_place_and_box_in_pages(
    manager: Client, session: Session, organisation: Organisation, place: Place
) -> None:
    """Disabled ones too; each once, whatever the size of the page."""
    other = make_place(session, organisation, name="Elsewhere")
    session.commit()
    ids = {
        manager.post("/v1/geofences", json=geofence(place.id, enabled=number % 2 == 0)).json()["id"]
        for number in range(5)
    }
    there = {"type": "Polygon", "coordinates": [ELSEWHERE]}
    far = manager.post("/v1/geofences", json=geofence(other.id, geometry=there)).json()["id"]

    found: list[str] = []
    next_: str | None = "/v1/geofences?limit=2&bbox=-3.532,50.72,-3.528,50.73"
    while next_:
        page = manager.get(next_).json()
        found += [feature["id"] for feature in page["features"]]
        next_ = page["next"]
    by_place = manager.get("/v1/geofences", params={"place_id": str(other.id)}).json()

    assert sorted(found) == sorted(ids)
    assert [feature["id"] for feature in by_place["features"]] == [far]
