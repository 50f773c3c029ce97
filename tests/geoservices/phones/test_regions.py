"""Regions for phones: circles that cover, cells that hold still, names that lead back."""

from datetime import timedelta
from math import cos, radians
from uuid import UUID, uuid4

import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.watched import Watched
from geoservices.geometry.areas import Circle, to_multipolygon
from geoservices.geometry.position import Position
from geoservices.phones.regions import (
    FIRST_STAMP,
    Region,
    cell_mark,
    cell_size_m,
    covering,
    encryption_key,
    geofence_named,
    mark_of,
    reach_of,
    rid_of,
    snapped,
    stamp_of,
)
from tests.geodesics import geodesic_m

lons = st.floats(min_value=-180, max_value=180)
lats = st.floats(min_value=-70, max_value=70)
sizes_m = st.floats(min_value=5, max_value=5000)


def square(lon: float, lat: float, half_m: float) -> BaseGeometry:
    """A square round a point, cut at the antimeridian if it must be."""
    north = half_m / 111_320
    east = north / cos(radians(lat))
    whole = shapely.box(lon - east, lat - north, lon + east, lat + north)
    parts = [
        shapely.affinity.translate(
            shapely.intersection(whole, shapely.box(west, -90, west + 360, 90)), shift
        )
        for west, shift in ((-540, 360), (-180, 0), (180, -360))
    ]
    return shapely.union_all([part for part in parts if part.area])


def index_of(*ids: UUID) -> GeofenceIndex:
    """An index of geofences somewhere."""
    watched = [
        Watched(
            id=id_,
            place_id=uuid4(),
            organisation_id=uuid4(),
            dwell_after=timedelta(minutes=5),
            margin_m=0.0,
            area=None,
            centre=(-3.5, 50.7),
            radius_m=50.0,
        )
        for id_ in ids
    ]
    return GeofenceIndex(watched, revision=1)


@given(lons, lats, sizes_m, st.floats(min_value=0, max_value=500))
def test_a_region_covers_its_geofence(
    lon: float, lat: float, half_m: float, margin_m: float
) -> None:
    """Each corner and the margin round it lie within, and hardly more than that."""
    area = square(lon, lat, half_m)
    assume(not shapely.is_empty(area))

    centre_lon, centre_lat, radius_m = covering(area, margin_m=margin_m, least_m=0)

    far = [
        geodesic_m(centre_lon, centre_lat, x, y) for x, y in shapely.get_coordinates(area).tolist()
    ]
    assert max(far) + margin_m <= radius_m * 1.002 + 1
    assert radius_m <= half_m * 1.42 * 1.01 + margin_m + 2
    assert -180 <= centre_lon <= 180


def test_a_small_geofence_is_watched_as_a_larger_circle() -> None:
    """Phones miss small ones."""
    assert covering(square(-3.5, 50.7, 10), margin_m=0, least_m=100)[2] == 100
    assert covering(square(-3.5, 50.7, 10), margin_m=0, least_m=0)[2] == 15


def test_a_circle_is_watched_as_itself() -> None:
    """Its radius, rounded up."""
    area = to_multipolygon(Circle(Position(lon=-3.5, lat=50.7), 250))

    lon, lat, radius_m = covering(area, margin_m=0, least_m=100)

    assert geodesic_m(lon, lat, -3.5, 50.7) < 1
    assert radius_m == pytest.approx(250, abs=1)


@given(lons, st.floats(min_value=-85, max_value=85), st.floats(min_value=0, max_value=50_000))
def test_a_cell_is_small_beside_its_reach(lon: float, lat: float, reach_m: float) -> None:
    """Its middle is so near that whatever is near the phone is among the nearest."""
    middle = snapped(Position(lon=lon, lat=lat), cell_size_m(reach_m))

    moved_m = geodesic_m(lon, lat, middle.lon, middle.lat)
    assert moved_m <= max(reach_m / 4, 64) * 0.75 + 1


@given(st.floats(min_value=-179, max_value=179), lats, st.floats(min_value=300, max_value=50_000))
def test_the_middle_of_a_cell_is_its_own(lon: float, lat: float, reach_m: float) -> None:
    """Asked from there, nothing moves any more; only at the antimeridian two cells overlap."""
    middle = snapped(Position(lon=lon, lat=lat), cell_size_m(reach_m))
    again = snapped(middle, cell_size_m(reach_m))

    assert geodesic_m(middle.lon, middle.lat, again.lon, again.lat) < 0.01


@given(st.uuids(), st.uuids())
def test_either_name_leads_back(geofence_id: UUID, other: UUID) -> None:
    """The id of iOS and the stamp of Android; of what is not ours, None."""
    assume(geofence_id != other)
    index = index_of(geofence_id)

    assert geofence_named(index, rid_of(geofence_id), None) == geofence_id
    assert geofence_named(index, None, stamp_of(geofence_id)) == geofence_id
    assert geofence_named(index, rid_of(other), stamp_of(geofence_id)) is None
    assert geofence_named(index, None, stamp_of(other)) is None
    assert geofence_named(index, None, None) is None
    assert stamp_of(geofence_id) >= FIRST_STAMP


@given(st.text(max_size=64))
def test_a_strangers_name_leads_nowhere(rid: str) -> None:
    """Whatever it is."""
    assert geofence_named(index_of(uuid4()), rid, None) is None


def test_a_mark_tells_sets_apart_and_nothing_else() -> None:
    """In any order it is the same; with a revision, a member or the token changed it is not."""
    first, second = uuid4(), uuid4()

    mark = mark_of([(first, 1), (second, 1)], "token")

    assert mark == mark_of([(second, 1), (first, 1)], "token")
    assert len(mark) == 32
    others = [
        mark_of([(first, 1), (second, 2)], "token"),
        mark_of([(first, 1)], "token"),
        mark_of([], "token"),
        mark_of([(first, 1), (second, 1)], "another"),
    ]
    assert len({mark, *others}) == 5


@pytest.mark.parametrize(
    ("reach_m", "cell_m"), [(0, 64), (255, 64), (512, 128), (1000, 128), (40_000, 8192)]
)
def test_cells_are_as_wide_as_places_are_far(reach_m: float, cell_m: int) -> None:
    """A power of two, so that it seldom changes."""
    assert cell_size_m(reach_m) == cell_m


def test_a_cells_mark_changes_with_whatever_decides() -> None:
    """The cell, its size, the state, the token; not with a step within the cell."""
    here, near, far = (Position(lon=-3.5, lat=50.7 + north) for north in (0.0, 0.0001, 0.1))

    mark = cell_mark(here, 1024, state="1", token="a")

    assert cell_mark(near, 1024, state="1", token="a") == mark
    assert cell_mark(far, None, state="1", token="a") == cell_mark(here, None, state="1", token="a")
    others = [
        cell_mark(far, 1024, state="1", token="a"),
        cell_mark(here, 64, state="1", token="a"),
        cell_mark(here, None, state="1", token="a"),
        cell_mark(here, 1024, state="2", token="a"),
        cell_mark(here, 1024, state="1", token="b"),
    ]
    assert len({mark, *others}) == 6


def test_a_key_has_32_characters_and_is_of_one_link() -> None:
    """As many as OwnTracks takes; another secret makes another one."""
    link = uuid4()

    keys = {
        encryption_key("secret", link),
        encryption_key("secret", link),
        encryption_key("secret", uuid4()),
        encryption_key("other", link),
    }

    assert len(keys) == 3
    assert {len(key.encode()) for key in keys} == {32}


def test_leaving_the_reach_comes_before_other_places_are_near() -> None:
    """Half as far as the farthest, and never less than one of the places."""
    here = Position(lon=-3.5, lat=50.7)
    place = Region(rid="a", stamp=1, name="A", lon=-3.5, lat=50.7, radius_m=400)

    assert reach_of(here, [place], 3000).radius_m == 1500
    assert reach_of(here, [place], 100).radius_m == 400
    assert reach_of(here, [], 100).radius_m == 50
