"""Features become records, or are refused with the reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from geodata.records import NoteKind, ReadFeature, Reading, read_feature
from geodata.sources.files import texts
from geodata.sources.geojson import Located, read_features
from geodata.sources.scanning import Repeated, Unreadable
from geoservices.geometry.areas import Polygonal
from geoservices.geometry.position import Position
from geoservices.places.sensitivity import SensitiveKind
from geoservices.places.service import PlaceRecord

ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests/data/geojson/bad"
READING = Reading(time_zone="Europe/London", radius_m=40.0, max_vertices=1000)
RING = [[0, 50], [0.01, 50], [0.01, 50.01], [0, 50.01], [0, 50]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
POINT = {"type": "Point", "coordinates": [-3.5, 50.7]}
MISSING = object()


def read(
    properties: object = MISSING,
    *,
    geometry: object = POINT,
    reading: Reading = READING,
    **more: Any,
) -> ReadFeature:
    """Read a feature made of these."""
    value = {
        "type": "Feature",
        "id": "x",
        "properties": {"name": "Exeter"} if properties is MISSING else properties,
        "geometry": geometry,
        **more,
    }
    return read_feature(Located(7, value), reading)


def kept(feature: ReadFeature) -> PlaceRecord:
    """The record, which there must be."""
    assert feature.record is not None, feature.notes
    return feature.record


@pytest.mark.parametrize(
    ("tags", "read_as"),
    [
        (None, ()),
        ([" Town  Centre", "library", "LIBRARY", ""], ("library", "town centre")),
        ("coast; Seafront ;", ("coast", "seafront")),
    ],
)
def test_tags_are_written_in_one_way(tags: object, read_as: tuple[str, ...]) -> None:
    """In lower case, each once, in order; a list, or one text with semicolons."""
    feature = read({"name": "Exeter", "tags": tags})

    assert kept(feature).tags == read_as
    assert feature.notes == []


@pytest.mark.parametrize("tags", [7, {"a": 1}, ["x" * 41], [["x"]], ["x"] * 51])
def test_tags_that_are_none_are_left_out(tags: object) -> None:
    """All of them, and it is said; the place is kept."""
    feature = read({"name": "Exeter", "tags": tags})

    assert kept(feature).tags == ()
    assert [note.field for note in feature.notes] == ["/properties/tags"]


def test_everything_known_of_a_place_is_read() -> None:
    """All texts stripped; a polygon's middle is the place's point."""
    properties = {
        "name": " Exeter Library ",
        "category": "library",
        "address": "Castle Street, Exeter",
        "postcode": "EX4 3PQ",
        "website": "https://example.org/",
        "email": "library@example.org",
        "opening_hours": "Mo-Fr 09:00-18:00",
        "sensitive": True,
        "uprn": "ignored here",
    }

    feature = read(properties, geometry=POLYGON)
    record = kept(feature)

    assert feature.notes == []
    assert isinstance(record.area, Polygonal)
    assert (record.point.lon, record.point.lat) == pytest.approx((0.005, 50.005))
    assert (record.external_id, record.name, record.category) == ("x", "Exeter Library", "library")
    assert (record.address, record.postcode) == ("Castle Street, Exeter", "EX4 3PQ")
    assert (record.website, record.email) == ("https://example.org/", "library@example.org")
    assert (record.opening_hours, record.time_zone) == ("Mo-Fr 09:00-18:00", "Europe/London")
    assert record.sensitive is SensitiveKind.OTHER


def test_a_point_has_no_area_of_its_own() -> None:
    """The import draws the circle, so that another radius redraws it."""
    record = kept(read())

    assert record.area is None
    assert record.point == Position(lon=-3.5, lat=50.7)
    assert (record.category, record.opening_hours, record.sensitive) == ("place", None, None)


def test_openstreetmap_spells_some_things_otherwise() -> None:
    """Its tags for address, postcode, website and email are understood."""
    record = kept(
        read(
            {
                "name": "Müze",
                "addr:housenumber": "5",
                "addr:street": "High Street",
                "addr:city": "Exeter",
                "addr:postcode": 90210,
                "contact:website": "https://example.org/",
                "contact:email": "a@example.org",
            }
        )
    )

    assert record.address == "5 High Street, Exeter"
    assert (record.postcode, record.website) == ("90210", "https://example.org/")
    assert record.email == "a@example.org"


@pytest.mark.parametrize(
    ("feature_id", "properties", "expected"),
    [
        pytest.param("a", {"id": "b"}, "a", id="its own"),
        pytest.param(17, {}, "17", id="a number"),
        pytest.param(17.5, {}, "17.5", id="a fraction"),
        pytest.param(None, {"id": "b", "uprn": "c"}, "b", id="property id"),
        pytest.param(None, {"@id": "way/1"}, "way/1", id="property @id"),
        pytest.param(None, {"uprn": 100041032288}, "100041032288", id="property uprn"),
    ],
)
def test_ids_are_found(feature_id: object, properties: dict[str, object], expected: str) -> None:
    """The feature's own before a property's."""
    record = kept(read({"name": "n", **properties}, id=feature_id))

    assert record.external_id == expected


def test_a_source_may_have_its_own_words() -> None:
    """For id and name; then nothing else is looked at."""
    reading = Reading(
        time_zone="Europe/London",
        radius_m=40.0,
        max_vertices=100,
        category="lsoa",
        id_property="LSOA11CD",
        name_property="LSOA11NM",
    )

    record = kept(read({"LSOA11CD": "E01", "LSOA11NM": "Exeter 1", "name": "no"}, reading=reading))
    missing = read({"LSOA11NM": "Exeter 1"}, reading=reading)

    assert (record.external_id, record.name, record.category) == ("E01", "Exeter 1", "lsoa")
    assert missing.notes[0].field == "/properties/LSOA11CD"


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        pytest.param({"type": "feature"}, "/type", "Feature is expected", id="type in lower case"),
        pytest.param({"id": None}, "/id", "no id", id="no id"),
        pytest.param({"id": ""}, "/id", "empty", id="empty id"),
        pytest.param({"id": {}}, "/id", "not a text", id="an object for an id"),
        pytest.param({"id": True}, "/id", "not a text", id="true for an id"),
        pytest.param({"id": "x" * 201}, "/id", "longer than 200", id="a long id"),
        pytest.param({"id": "a\0"}, "/id", "cannot be stored", id="NUL in the id"),
        pytest.param({"properties": None}, "/properties/name", "no name", id="null properties"),
        pytest.param({"properties": []}, "/properties", "object or null", id="array of properties"),
        pytest.param({"properties": {"name": " "}}, "/properties/name", "no name", id="blank name"),
        pytest.param(
            {"properties": {"name": ["x"]}}, "/properties/name", "not a text", id="array for a name"
        ),
        pytest.param(
            {"properties": {"name": "\ud800"}},
            "/properties/name",
            "cannot be stored",
            id="half a character",
        ),
        pytest.param({"geometry": None}, "/geometry", "nowhere", id="null geometry"),
        pytest.param(
            {"geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}},
            "/geometry/type",
            "not 'LineString'",
            id="a line",
        ),
        pytest.param(
            {"geometry": {"type": "Point", "coordinates": [50.7, 200]}},
            "/geometry/coordinates",
            "latitude",
            id="out of range",
        ),
        pytest.param(
            {"properties": Repeated(name="n")}, "/properties", "twice", id="a property twice"
        ),
        pytest.param(
            {"geometry": Repeated(POINT)}, "/geometry", "twice", id="a member of geometry twice"
        ),
        pytest.param({"bbox": "x"}, "/bbox", "four or six", id="bad bbox"),
        pytest.param({"crs": {}}, "/crs", "WGS 84", id="bad crs"),
        pytest.param({"features": []}, "/features", "7.1", id="features in a feature"),
    ],
)
def test_refusals_name_line_id_field_and_reason(
    change: dict[str, object], field: str, told: str
) -> None:
    """One note, and no record."""
    value = {"type": "Feature", "id": "x", "properties": {"name": "n"}, "geometry": POINT, **change}

    result = read_feature(Located(7, value), READING)

    assert result.record is None
    (note,) = result.notes
    assert (note.line, note.kind, note.field) == (7, NoteKind.REFUSED, field)
    assert told in note.reason
    assert isinstance(change.get("id", ""), str) == (note.id is not None)


@pytest.mark.parametrize(
    ("properties", "field", "told"),
    [
        pytest.param(
            {"opening_hours": "whenever we like"},
            "/properties/opening_hours",
            "'whenever we like' is not in OpenStreetMap's syntax; the place is kept without hours",
            id="hours in prose",
        ),
        pytest.param(
            {"opening_hours": 24}, "/properties/opening_hours", "'24' is not", id="hours a number"
        ),
        pytest.param(
            {"opening_hours": ["Mo"]},
            "/properties/opening_hours",
            "not a text",
            id="hours an array",
        ),
        pytest.param(
            {"postcode": "x" * 13}, "/properties/postcode", "longer than 12", id="long postcode"
        ),
        pytest.param({"email": {}}, "/properties/email", "not a text", id="email an object"),
        pytest.param({"website": "\0"}, "/properties/website", "cannot be stored", id="NUL"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_said(
    properties: dict[str, object], field: str, told: str
) -> None:
    """The place is kept; nothing is dropped silently."""
    feature = read({"name": "n", **properties})

    record = kept(feature)
    (note,) = feature.notes
    assert (note.kind, note.field, note.id) == (NoteKind.WARNING, field, "x")
    assert told in note.reason
    assert (record.opening_hours, record.postcode, record.email, record.website) == (None,) * 4


def test_an_address_that_cannot_be_used_is_none_at_all() -> None:
    """Also one put together from tags."""
    assert kept(read({"name": "n", "addr:street": "x" * 501})).address is None
    assert kept(read({"name": "n", "addr:street": 5, "addr:city": ["x"]})).address is None


def test_a_feature_that_names_something_twice_is_refused() -> None:
    """Which value is meant, nobody can say."""
    value = Repeated(type="Feature", id="x", properties={"name": "n"}, geometry=POINT)

    (note,) = read_feature(Located(7, value), READING).notes

    assert note.reason == "it gives a member's name twice"


def test_a_repair_is_noted() -> None:
    """With where it was and how much it changed."""
    slip = [[0.00500, 50.01], [0.00502, 50.00999], [0.00500, 50.00999], [0.00502, 50.01]]
    ring = [*RING[:3], *slip, *RING[3:]]

    feature = read(geometry={"type": "Polygon", "coordinates": [ring]})

    assert kept(feature).area is not None
    (note,) = feature.notes
    assert note.kind is NoteKind.REPAIRED
    assert "mended" in note.reason


@pytest.mark.parametrize("file", sorted(BAD.glob("*.geojson")), ids=lambda file: file.stem)
def test_nothing_of_the_bad_conformance_files_gets_in(file: Path) -> None:
    """Each is refused as a file or in each of its features, with a reason."""
    try:
        with file.open("rb") as stream:
            found = [read_feature(one, READING) for one in read_features(texts(stream))]
    except Unreadable:
        return

    assert found
    for feature in found:
        assert feature.record is None
        assert feature.notes[-1].kind is NoteKind.REFUSED


def test_every_library_of_the_sample_is_read() -> None:
    """65 of 65, without a note."""
    path = ROOT / "geodata/samples/devon-libraries.geojson"
    with path.open("rb") as stream:
        found = [read_feature(one, READING) for one in read_features(texts(stream))]

    assert len(found) == len(json.loads(path.read_text(encoding="utf-8"))["features"]) == 65
    assert [note for feature in found for note in feature.notes] == []
    assert [feature.line for feature in found] == list(range(2, 67))
