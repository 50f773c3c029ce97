"""Files brought in: what is stored, what is not, and what a second time changes."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geodata import loading
from geodata.importing import NoOrganisation, Order, bring_in
from geodata.loading import Report
from geodata.records import NoteKind
from geodata.sources.scanning import Unreadable
from geoservices.accounts.models import Organisation
from geoservices.accounts.service import TimeZoneUnknown
from geoservices.database import SessionFactory
from geoservices.geofences import importing
from geoservices.geofences import queries as geofence_queries
from geoservices.geofences.models import Geofence
from geoservices.geofences.service import (
    GeofenceDraft,
    area_of,
    create_geofence,
    delete_geofence,
    replace_geofence,
)
from geoservices.geometry.areas import Circle, Polygonal
from geoservices.geometry.position import Position
from geoservices.places.models import Place
from geoservices.places.service import position_of
from tests.factories import NOON, make_organisation, may

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "geodata/samples/devon-libraries.geojson"
OUTLINES = ROOT / "tests/data/lsoa/invalid-and-valid.geojsonl.gz"
LATER = NOON + timedelta(days=1)
RING = [[-3.5, 50.7], [-3.499, 50.7], [-3.499, 50.701], [-3.5, 50.701], [-3.5, 50.7]]

Import = Callable[..., Report]


@pytest.fixture
def devon(session: Session) -> Organisation:
    """The organisation the places are for."""
    organisation = make_organisation(session)
    session.commit()
    return organisation


@pytest.fixture
def bring(sessions: SessionFactory, devon: Organisation, tmp_path: Path) -> Import:
    """Import some features, or a file as it is."""

    def run(content: Path | list[dict[str, Any]], **options: Any) -> Report:
        file = content if isinstance(content, Path) else tmp_path / "places.geojsonl"
        if not isinstance(content, Path):
            lines = [json.dumps(feature) for feature in content]
            file.write_text("\n".join(lines), encoding="utf-8")
        at = options.pop("at", NOON)
        order = Order(**{"file": file, "source": "test", "organisation": devon.slug, **options})
        return bring_in(sessions, order, at=at)

    return run


def feature(name: str = "a", **change: Any) -> dict[str, Any]:
    """A place with an outline."""
    geometry = {"type": "Polygon", "coordinates": [RING]}
    properties = {"name": name, **change.pop("properties", {})}
    return {
        "type": "Feature",
        "id": name,
        "properties": properties,
        "geometry": geometry,
        **change,
    }


def counts(report: Report) -> tuple[int, int, int, int]:
    """Added, updated, unchanged, refused."""
    return report.added, report.updated, report.unchanged, report.refused


def places(session: Session) -> list[Place]:
    """All places, as the database has them now."""
    found = select(Place).order_by(Place.name).execution_options(populate_existing=True)
    return list(session.scalars(found))


def geofences(session: Session) -> list[Geofence]:
    """All geofences, as the database has them now."""
    found = select(Geofence).order_by(Geofence.name).execution_options(populate_existing=True)
    return list(session.scalars(found))


def test_the_sample_becomes_65_watched_places(session: Session, bring: Import) -> None:
    """54 outlines and 11 circles; a second time nothing changes, not even a revision."""
    first = bring(SAMPLE, margin_m=10.0)
    revision = geofence_queries.revision(session)
    second = bring(SAMPLE, margin_m=10.0, at=LATER)

    assert counts(first) == (65, 0, 0, 0)
    assert counts(second) == (0, 0, 65, 0)
    assert first.notes == []
    assert geofence_queries.revision(session) == revision
    areas = [area_of(geofence) for geofence in geofences(session)]
    assert sum(isinstance(area, Circle) for area in areas) == 11
    assert {g.margin_m for g in geofences(session)} == {10.0}
    assert all(g.imported and g.dwell_after == timedelta(minutes=5) for g in geofences(session))
    exeter = next(place for place in places(session) if place.external_id == "devon-exeter")
    assert (exeter.name, exeter.postcode) == ("Exeter Library", "EX4 3PQ")
    assert exeter.words == "exeter library castle street, exeter ex4 3pq"


def test_it_takes_a_handful_of_statements(session: Session, bring: Import) -> None:
    """However many places; counted at the revision, which every statement moves."""
    before = geofence_queries.revision(session)

    bring([feature(f"p{number}") for number in range(450)])

    assert len(geofences(session)) == 450
    assert geofence_queries.revision(session) - before <= 4


def test_tags_come_with_an_import_and_stay_without(session: Session, bring: Import) -> None:
    """What names none leaves those there are, whoever gave them."""
    bring([feature("a", properties={"tags": ["Coast", "library"]})])
    first = places(session)[0].tags
    places(session)[0].tags = ["by hand"]
    session.commit()
    bring([feature("a", properties={"category": "library"})])
    kept = places(session)[0].tags
    bring([feature("a", properties={"tags": "central"})])

    assert (first, kept) == (["coast", "library"], ["by hand"])
    assert places(session)[0].tags == ["central"]


def test_a_place_is_part_of_another_of_the_same_source(session: Session, bring: Import) -> None:
    """Which may come later in the file; without a parent, what there is stays."""
    report = bring(
        [
            feature("library", properties={"parent": "centre"}),
            feature("centre", properties={"parent": "library"}),
            feature("pool", properties={"parent": "nowhere"}),
            feature("hall", properties={"parent": 7.5}),
        ]
    )
    library, centre, pool, hall = (
        next(one for one in places(session) if one.external_id == name)
        for name in ("library", "centre", "pool", "hall")
    )
    again = bring([feature("library", properties={"category": "library"})])
    session.expire_all()

    assert library.parent_id == centre.id
    assert {centre.parent_id, pool.parent_id, hall.parent_id} == {None}
    assert [(note.id, note.kind, note.field) for note in report.notes] == [
        ("hall", NoteKind.WARNING, "/properties/parent"),
        ("centre", NoteKind.WARNING, "/properties/parent"),
        ("pool", NoteKind.WARNING, "/properties/parent"),
    ]
    assert report.warnings == 3
    assert again.updated == 1


def test_a_moved_place_is_redrawn(session: Session, bring: Import) -> None:
    """The geofence keeps its id; the others are left alone."""
    bring([feature("a"), feature("b")])
    before = {geofence.name: (geofence.id, geofence.revision) for geofence in geofences(session)}
    moved = [[lon + 0.01, lat] for lon, lat in RING]

    report = bring(
        [feature("a", geometry={"type": "Polygon", "coordinates": [moved]}), feature("b")], at=LATER
    )

    assert counts(report) == (0, 1, 1, 0)
    a, b = geofences(session)
    assert (a.id, b.id) == (before["a"][0], before["b"][0])
    assert a.revision > before["a"][1]
    assert b.revision == before["b"][1]
    area = area_of(a)
    assert isinstance(area, Polygonal)
    assert area.polygons.bounds == pytest.approx((-3.49, 50.7, -3.489, 50.701))
    place = places(session)[0]
    assert position_of(place).lon == pytest.approx(-3.4895)
    assert (place.created_at, place.updated_at) == (NOON, LATER)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"margin_m": 5.0}, (0, 2, 0, 0), id="another margin"),
        pytest.param({"dwell_after": timedelta(minutes=9)}, (0, 2, 0, 0), id="another dwell time"),
        pytest.param({"radius_m": 80.0}, (0, 1, 1, 0), id="another radius, for points alone"),
        pytest.param({"time_zone": "Europe/Paris"}, (0, 2, 0, 0), id="another time zone"),
        pytest.param({"category": "library"}, (0, 2, 0, 0), id="another category"),
    ],
)
def test_other_options_are_a_change(
    session: Session, bring: Import, options: dict[str, Any], expected: tuple[int, ...]
) -> None:
    """What is drawn differently is drawn again."""
    content = [feature("a"), feature("b", geometry={"type": "Point", "coordinates": [-3.5, 50.7]})]
    bring(content)

    assert counts(bring(content, **options)) == expected

    if "radius_m" in options:
        assert area_of(geofences(session)[1]) == Circle(Position(lon=-3.5, lat=50.7), 80.0)


def test_what_a_manager_did_to_a_geofence_stays(
    session: Session, bring: Import, devon: Organisation
) -> None:
    """Redrawn, disabled, deleted or drawn in addition: the next import changes the place alone."""
    names = ["deleted", "disabled", "redrawn", "second"]
    bring([feature(name) for name in names])
    deleted, disabled, redrawn, second = geofences(session)
    circle = Circle(Position(lon=-3.5, lat=50.7), 77.0)

    def draft(geofence: Geofence, **change: Any) -> GeofenceDraft:
        base = GeofenceDraft(
            place_id=geofence.place_id, name=f"{geofence.name} by hand", area=area_of(geofence)
        )
        return replace(base, **change)

    delete_geofence(session, deleted.id, grant=may(devon), at=NOON)
    for geofence, change in ((disabled, {"enabled": False}), (redrawn, {"area": circle})):
        replace_geofence(
            session,
            geofence.id,
            draft(geofence, **change),
            grant=may(devon),
            expected_revision=None,
            at=NOON,
        )
    own = create_geofence(
        session, draft(second, area=circle, name="own"), grant=may(devon), at=NOON
    )
    session.commit()
    moved = {"type": "Point", "coordinates": [-3.0, 50.0]}
    report = bring([feature(name, geometry=moved) for name in names], at=LATER)

    assert counts(report) == (0, 4, 0, 0)
    now = {geofence.id: geofence for geofence in geofences(session)}
    assert len(now) == 5
    assert now[deleted.id].deleted_at == NOON
    assert now[disabled.id].disabled_at == NOON
    for kept in (deleted, disabled, own):
        assert now[kept.id].revision == kept.revision
    assert area_of(now[redrawn.id]) == circle
    assert area_of(now[own.id]) == circle
    assert area_of(now[second.id]) == Circle(Position(lon=-3.0, lat=50.0), 40.0)
    assert {round(position_of(place).lon, 6) for place in places(session)} == {-3.0}


def test_a_disabled_geofence_is_not_redrawn(session: Session, bring: Import) -> None:
    """Also if it was switched off without being replaced."""
    bring([feature("a")])
    geofence = geofences(session)[0]
    geofence.disabled_at = NOON
    session.commit()

    bring([feature("a", geometry={"type": "Point", "coordinates": [-3.0, 50.0]})], at=LATER)

    (now,) = geofences(session)
    assert (now.disabled_at, now.radius_m) == (NOON, None)


def test_the_mark_of_a_sensitive_place_is_never_taken_away(session: Session, bring: Import) -> None:
    """An import may add it; who removes it does so on purpose."""
    bring([feature("a", properties={"sensitive": True})])
    bring([feature("a")], at=LATER)

    assert places(session)[0].sensitive_at == NOON


def test_a_dry_run_says_it_all_and_stores_nothing(session: Session, bring: Import) -> None:
    """Added, updated, unchanged and refused as they would be."""
    bring([feature("a"), feature("b")])
    revision = geofence_queries.revision(session)
    content = [
        feature("a"),
        feature("b", properties={"category": "x"}),
        feature("c"),
        feature("d", geometry=None),
    ]

    report = bring(content, dry_run=True)

    assert counts(report) == (1, 1, 1, 1)
    assert [place.name for place in places(session)] == ["a", "b"]
    assert geofence_queries.revision(session) == revision


def test_refused_features_do_not_keep_the_others_out(session: Session, bring: Import) -> None:
    """Each with its line, id and reason; warnings and repairs are told too."""
    unclosed = {"type": "Polygon", "coordinates": [RING[:4]]}
    content = [
        feature("a"),
        feature("b", geometry=unclosed),
        feature("c", properties={"opening_hours": "sometimes"}),
        feature("a"),
    ]

    report = bring(content)

    assert counts(report) == (2, 0, 0, 2)
    assert (report.read, report.warnings, report.stored) == (4, 1, len(places(session)))
    assert [(note.line, note.id, note.kind) for note in report.notes] == [
        (2, "b", NoteKind.REFUSED),
        (3, "c", NoteKind.WARNING),
        (4, "a", NoteKind.REFUSED),
    ]
    assert report.notes[0].field == "/geometry/coordinates/0/3"
    assert report.notes[2].reason == "the feature of line 1 has the same id"


def test_the_invalid_outlines_are_mended_and_told(session: Session, bring: Import) -> None:
    """94 real ones: each stored, each named in the report."""
    report = bring(
        OUTLINES, id_property="LSOA11CD", name_property="LSOA11NM", category="lsoa", margin_m=1.0
    )

    assert counts(report) == (100, 0, 0, 0)
    assert report.repaired == 94
    assert [note.line for note in report.notes] == list(range(7, 101))
    valid = session.scalars(text("SELECT ST_IsValid(area::geometry) FROM geofences")).all()
    assert valid == [True] * 100


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda data: gzip.compress(data)[:-9], id="gzip cut short"),
        pytest.param(lambda data: data[:-200], id="cut short"),
        pytest.param(lambda data: data.replace(b"},\n", b"},,\n", 40), id="a comma too many"),
        pytest.param(lambda data: data + b"[]", id="something after the end"),
        pytest.param(lambda _: b"Dear Sir or Madam", id="a letter"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_stores_nothing(
    session: Session, bring: Import, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    """Not even the good features before the fault."""
    file = tmp_path / "spoilt.geojson"
    file.write_bytes(spoil(SAMPLE.read_bytes()))

    with pytest.raises(Unreadable):
        bring(file)

    assert places(session) == []


def test_a_polygon_of_100_000_vertices_is_refused_and_the_rest_kept(
    session: Session, bring: Import
) -> None:
    """With the limit in the reason."""
    huge = {"type": "Polygon", "coordinates": [[[0, 0]] * 100_000]}

    report = bring([feature("huge", geometry=huge), feature("a")])

    assert counts(report) == (1, 0, 0, 1)
    assert "100,000 positions are more than the 20,000 allowed" in report.notes[0].reason
    assert [place.name for place in places(session)] == ["a"]


def test_broken_off_it_may_be_run_again(
    session: Session, bring: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole chunks stay, and the second run goes on from there."""
    monkeypatch.setattr(loading, "CHUNK_RECORDS", 10)
    content = [feature(f"p{number:02}") for number in range(25)]
    real, calls = importing.import_places, iter((True, True, False))

    def breaks_down(*args: Any, **options: Any) -> object:
        if not next(calls):
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(loading, "import_places", breaks_down)
    with pytest.raises(KeyboardInterrupt):
        bring(content)
    monkeypatch.setattr(loading, "import_places", real)

    assert len(places(session)) == 20
    assert counts(bring(content)) == (5, 0, 20, 0)


def test_large_polygons_make_smaller_chunks(
    session: Session, bring: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement holds so many vertices and no more."""
    monkeypatch.setattr(loading, "CHUNK_VERTICES", 12)
    before = geofence_queries.revision(session)

    bring([feature(name) for name in "abcdefg"])

    assert geofence_queries.revision(session) - before >= 3


def test_two_sources_do_not_mix(session: Session, bring: Import) -> None:
    """The same id of another source is another place; organisations apart as well."""
    bring([feature("a")])
    make_organisation(session, "kent")
    session.commit()

    kent = bring([feature("a")], organisation="kent")
    other = bring([feature("a")], source="other")

    assert counts(kent) == counts(other) == (1, 0, 0, 0)
    assert len(places(session)) == 3
    with pytest.raises(NoOrganisation, match="one of devon, kent"):
        bring([feature("a")], organisation=None)
    with pytest.raises(
        NoOrganisation, match="geoservices organisation create cornwall --name NAME --time-zone"
    ):
        bring([feature("a")], organisation="cornwall")


def test_without_any_organisation_it_says_so(sessions: SessionFactory) -> None:
    """A fresh database has none."""
    with pytest.raises(NoOrganisation, match="no organisation yet"):
        bring_in(sessions, Order(file=SAMPLE, source="test"), at=NOON)


def test_the_only_organisation_need_not_be_named(bring: Import) -> None:
    """Most installations have just one."""
    assert counts(bring(SAMPLE, organisation=None)) == (65, 0, 0, 0)


def test_the_time_zone_must_exist(bring: Import) -> None:
    """Opening hours would be read in it."""
    with pytest.raises(TimeZoneUnknown):
        bring(SAMPLE, time_zone="Europe/Exeter")
