"""Places found near, in a box, by category and by text."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.errors import NotFound
from geoservices.geometry.boxes import BboxRefused
from geoservices.geometry.position import Position
from geoservices.places.queries import AfterDistance, AfterName
from geoservices.places.service import find_places, get_place, position_of
from tests.factories import EXETER, make_organisation, make_place
from tests.planning import analyze

HERE = Position(lon=EXETER[0], lat=EXETER[1])
CASES = json.loads(
    (Path(__file__).parents[2] / "data/geojson/rfc7946-antimeridian.json").read_text()
)["cases"]


@pytest.fixture
def devon(session: Session) -> Organisation:
    """An organisation."""
    return make_organisation(session)


def named(session: Session, **wanted: Any) -> list[str]:
    """The names of the places found."""
    return [found.place.name for found in find_places(session, **wanted)]


def test_near_means_nearest_first_within_the_radius(session: Session, devon: Organisation) -> None:
    """Distances are geodesic metres."""
    for name, north_deg in (("far", 0.02), ("near", 0.001), ("beyond", 0.1)):
        make_place(session, devon, name=name, at=(EXETER[0], EXETER[1] + north_deg))

    found = find_places(session, near=HERE, radius_m=5000)

    assert [one.place.name for one in found] == ["near", "far"]
    assert found[0].distance_m == pytest.approx(111.25, abs=0.05)
    assert (found[0].lon, found[0].lat) == (EXETER[0], EXETER[1] + 0.001)
    assert named(session, near=HERE, radius_m=5000, category="museum") == []
    assert named(session, near=HERE) == ["near", "far"]


def test_pages_near_go_on_where_the_last_ended(session: Session, devon: Organisation) -> None:
    """Also between places at exactly the same distance."""
    made = {make_place(session, devon, name="twin").id for _ in range(5)}
    made |= {make_place(session, devon, at=(EXETER[0], EXETER[1] + 0.001)).id for _ in range(2)}

    seen = []
    after: AfterDistance | None = None
    while page := find_places(session, near=HERE, radius_m=1000, after=after, limit=3):
        seen += [one.place.id for one in page]
        assert page[-1].distance_m is not None
        after = AfterDistance(page[-1].distance_m, page[-1].place.id)

    assert len(seen) == 7
    assert set(seen) == made


def test_pages_by_name_go_on_where_the_last_ended(session: Session, devon: Organisation) -> None:
    """In the order of names, ties by id."""
    for name in ("Bampton", "Appledore", "Crediton", "Bampton"):
        make_place(session, devon, name=name)

    seen = []
    after: AfterName | None = None
    while page := find_places(session, after=after, limit=1):
        seen += [one.place.name for one in page]
        after = AfterName(page[-1].place.name, page[-1].place.id)

    assert seen == ["Appledore", "Bampton", "Bampton", "Crediton"]


def test_a_page_goes_on_after_its_own_kind(session: Session) -> None:
    """An order by name cannot go on after a distance, nor the other way round."""
    with pytest.raises(TypeError):
        find_places(session, after=AfterDistance(1.0, uuid4()))
    with pytest.raises(TypeError):
        find_places(session, near=HERE, after=AfterName("a", uuid4()))


@pytest.mark.parametrize(
    "case", [case for case in CASES if "bbox" in case], ids=lambda case: case["what"]
)
def test_boxes_are_as_in_rfc_7946(
    session: Session, devon: Organisation, case: dict[str, Any]
) -> None:
    """Across the antimeridian where west is greater than east, and round the poles."""
    for lon, lat, inside in case["points"]:
        place = make_place(session, devon, at=(lon, lat))

        found = [one.place.id for one in find_places(session, bbox=tuple(case["bbox"]))]

        assert (place.id in found) is inside, (lon, lat)


def test_a_point_on_the_antimeridian_is_on_both_sides(
    session: Session, devon: Organisation
) -> None:
    """-180 and 180 degrees are the same."""
    make_place(session, devon, name="plus", at=(180.0, 0.0))
    make_place(session, devon, name="minus", at=(-180.0, 0.0))

    assert named(session, bbox=(-180.0, -1.0, -179.0, 1.0)) == ["minus", "plus"]
    assert named(session, bbox=(179.0, -1.0, 180.0, 1.0)) == ["minus", "plus"]
    assert named(session, bbox=(0.0, -1.0, 1.0, 1.0)) == []
    with pytest.raises(BboxRefused):
        named(session, bbox=(0.0, 1.0, 1.0, -1.0))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param("100%", ["100% Gym"], id="a per cent sign is itself"),
        pytest.param("_", ["under_score"], id="an underscore is itself"),
        pytest.param("\\", ["back\\slash"], id="a backslash is itself"),
        pytest.param("gym", ["100% Gym", "1000 Gyms"], id="any case"),
        pytest.param("YSGOL", ["Ysgol Ŵy"], id="capitals"),
        pytest.param("ŵy", ["Ysgol Ŵy"], id="letters beyond ASCII"),
        pytest.param("'; DROP TABLE places; --", [], id="no SQL"),
    ],
)
def test_text_is_looked_for_as_it_stands(
    session: Session, devon: Organisation, wanted: str, expected: list[str]
) -> None:
    """Nothing in it is a wildcard."""
    for name in ("100% Gym", "1000 Gyms", "under_score", "back\\slash", "Ysgol Ŵy"):
        make_place(session, devon, name=name)

    assert sorted(named(session, text=wanted)) == sorted(expected)


def test_everything_asked_must_fit(session: Session, devon: Organisation) -> None:
    """Near, in the box, of the category and with the text."""
    make_place(session, devon, name="Exeter Library")
    make_place(session, devon, name="Exeter Museum", category="museum")
    make_place(session, devon, name="Taunton Library", at=(-3.1, 51.01))

    box = (-3.6, 50.7, -3.5, 50.75)
    assert named(session, near=HERE, bbox=box, category="library", text="exeter") == [
        "Exeter Library"
    ]
    assert named(session, category="library") == ["Exeter Library", "Taunton Library"]


def test_looking_near_uses_the_index(session: Session, devon: Organisation) -> None:
    """With many places the plan is an index scan, near or in a box."""
    # What a sample of the rows says of a thousand metres differs from one sample to the next: this
    # is so large a one that all of them are in it.
    session.execute(text("SET LOCAL default_statistics_target = 1000"))
    session.execute(text("SET LOCAL enable_seqscan = off"))
    session.execute(
        text(
            "INSERT INTO places (id, organisation_id, source, external_id, name, category, point, "
            "time_zone, words, digest, created_at, updated_at) "
            "SELECT gen_random_uuid(), :id, 's', n::text, n::text, 'c', "
            "ST_SetSRID(ST_MakePoint((n % 200) - 100, (n / 200) - 50), 4326)::geography, "
            "'UTC', '', '', now(), now() FROM generate_series(1, 20000) n"
        ),
        {"id": devon.id},
    )
    analyze(session.connection(), "places")

    asked: list[tuple[str, Any]] = []

    def explain(
        _connection: object, _cursor: object, statement: str, parameters: object, *_: object
    ) -> None:
        asked.append((statement, parameters))

    event.listen(session.connection(), "before_cursor_execute", explain)
    find_places(session, near=HERE, radius_m=1000)
    find_places(session, bbox=(-3.6, 50.7, -3.5, 50.75))
    event.remove(session.connection(), "before_cursor_execute", explain)
    plans = [
        session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all()
        for statement, parameters in asked
    ]

    assert len(plans) == 2
    assert all("ix_places_point" in "".join(plan) for plan in plans)


def test_a_place_is_found_by_its_id(session: Session, devon: Organisation) -> None:
    """Or refused as unknown."""
    place = make_place(session, devon)

    assert get_place(session, place.id) is place
    assert position_of(place) == HERE
    with pytest.raises(NotFound, match="place"):
        get_place(session, uuid4())
