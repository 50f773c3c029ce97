"""The index held against PostGIS: who contains whom, and how far the edges are."""

from dataclasses import dataclass, replace
from datetime import timedelta
from math import cos, pi, radians
from uuid import uuid4

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.affinity import translate
from sqlalchemy import Engine, text

from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.watched import Watched
from geoservices.geometry.areas import Area, Circle, Polygonal
from geoservices.geometry.planar import distance_m
from geoservices.geometry.position import Position
from geoservices.geometry.storage import to_wkb
from tests.geodesics import geodesic_m

Floats = NDArray[np.float64]
ONE_DEGREE_M = 111_320.0
ACCURATE_UP_TO_M = 10_000.0
REACHING = (("reach_m", 50.0),)

CONTAINS = text(
    "SELECT ST_Covers(ST_GeomFromWKB(:area, 4326), ST_Point(lon, lat, 4326)) "
    "FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[])) "
    "WITH ORDINALITY AS p(lon, lat, number) ORDER BY number"
)
METRES = text(
    "SELECT ST_Distance(ST_GeomFromWKB(:shape, 4326)::geography, "
    "ST_Point(lon, lat, 4326)::geography) "
    "FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[])) "
    "WITH ORDINALITY AS p(lon, lat, number) ORDER BY number"
)


def watched(
    area: MultiPolygon,
    *,
    centre: tuple[float, float] | None = None,
    radius_m: float | None = None,
    margin_m: float = 0.0,
) -> Watched:
    """A geofence as the index takes it."""
    return Watched(
        id=uuid4(),
        place_id=uuid4(),
        organisation_id=uuid4(),
        dwell_after=timedelta(minutes=5),
        margin_m=margin_m,
        area=area,
        centre=centre,
        radius_m=radius_m,
    )


def stored_area(area: Area) -> MultiPolygon:
    """The area as the table holds it: cut at the antimeridian, a circle as a polygon."""
    read = shapely.from_wkb(to_wkb(area))
    assert isinstance(read, MultiPolygon)
    return read


def on_the_globe(lon: Floats) -> Floats:
    """Longitudes from -180 up to 180 degrees."""
    return (lon + 180) % 360 - 180


@dataclass(frozen=True, slots=True)
class Drawn:
    """A random polygon, in longitudes that may run beyond 180 degrees where it was drawn so."""

    polygon: Polygon
    lon: float
    lat: float
    size_m: float

    @property
    def area(self) -> MultiPolygon:
        """The area as RFC 7946 section 3.1.9 has it."""
        turned = [translate(self.polygon, xoff=by) for by in TURNS]
        globe = shapely.box(-180, -90, 180, 90)
        parts = [shapely.intersection(globe, part) for part in turned]
        return MultiPolygon([one for one in parts if isinstance(one, Polygon) and one.area > 0])

    def edge(self) -> bytes:
        """The edge, so dense that geodesics and straight lines in degrees are one."""
        dense = shapely.segmentize(
            self.polygon.boundary, max(self.size_m / ONE_DEGREE_M / 50, 1e-5)
        )
        turned = shapely.transform(
            dense, lambda xy: np.column_stack([on_the_globe(xy[:, 0]), xy[:, 1]])
        )
        return bytes(shapely.to_wkb(turned))

    def nearest_m(self, lon: float, lat: float, about_m: float) -> float:
        """The least geodesic to any point of the edge, of those at about that distance."""
        dense = shapely.segmentize(self.polygon.boundary, about_m / ONE_DEGREE_M / 50)
        edge = shapely.get_coordinates(dense)
        near = distance_m(edge[:, 0], edge[:, 1], np.array(lon), np.array(lat)) < 1.05 * about_m
        return min(geodesic_m(lon, lat, *point) for point in edge[near].tolist())

    def points(self, random: np.random.Generator, count: int) -> tuple[Floats, Floats]:
        """Points in it, at its edge and up to ten kilometres off."""
        reach = np.where(
            random.random(count) < 0.6, 1.5 * self.size_m, 1.5 * self.size_m + ACCURATE_UP_TO_M
        )
        reach *= np.sqrt(random.random(count))
        bearing = random.random(count) * 2 * pi
        north = reach * np.cos(bearing) / ONE_DEGREE_M
        east = reach * np.sin(bearing) / (ONE_DEGREE_M * cos(radians(self.lat)))
        return on_the_globe(self.lon + east), self.lat + north


TURNS = (0.0, 360.0, -360.0)


def draw(random: np.random.Generator, *, lon: float, lat: float, size_m: float) -> Drawn:
    """Draw a star-shaped polygon, often with a hole."""
    per_lon = ONE_DEGREE_M * cos(radians(lat))

    def ring(share: float) -> Floats:
        corners = int(random.integers(5, 24))
        bearing = np.sort(random.random(corners)) * 2 * pi
        reach = size_m * share * (0.6 + 0.4 * random.random(corners))
        return np.column_stack(
            [lon + reach * np.sin(bearing) / per_lon, lat + reach * np.cos(bearing) / ONE_DEGREE_M]
        )

    while True:
        polygon = Polygon(ring(1.0), [ring(0.3)] if random.random() < 0.6 else [])
        if polygon.is_valid and polygon.contains(shapely.Point(lon, lat)) is not bool(
            polygon.interiors
        ):
            return Drawn(polygon, lon, lat, size_m)


def ask(engine: Engine, drawn: Drawn, lon: Floats, lat: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Ask PostGIS which points the area covers, and how far its edge is from each.

    PostGIS looks on a sphere for what is nearest, and then measures that on the ellipsoid; near
    the equator it may so pick something up to 0.7 % too far away.
    """
    points = {"lon": lon.tolist(), "lat": lat.tolist()}
    with engine.connect() as connection:
        inside = connection.scalars(
            CONTAINS, {"area": bytes(shapely.to_wkb(drawn.area)), **points}
        ).all()
        metres = connection.scalars(METRES, {"shape": drawn.edge(), **points}).all()
    return np.array(inside, dtype=bool), np.array(metres, dtype=float)


def measured(index: GeofenceIndex, lon: Floats, lat: Floats) -> Floats:
    """What the index says of every point and its only geofence."""
    return index.distances_m(
        lon, lat, np.arange(len(lon), dtype=np.intp), np.zeros(len(lon), dtype=np.intp)
    )


def matched(index: GeofenceIndex, lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    """Which points the index puts within its only geofence."""
    found = np.zeros(len(lon), dtype=bool)
    found[index.match(lon, lat).positions] = True
    return found


@pytest.mark.parametrize("margin_m", [0.0, 35.0])
@pytest.mark.parametrize(
    ("lon", "lat", "size_m"),
    [
        pytest.param(-3.53, 50.72, 40, id="a library in Exeter"),
        pytest.param(-3.53, 50.72, 5_000, id="a town"),
        pytest.param(-3.53, 50.72, 60_000, id="a county"),
        pytest.param(20.0, 66.0, 60_000, id="a county of Lapland"),
        pytest.param(0.0001, 0.0, 3, id="tiny, where meridian and equator cross"),
        pytest.param(12.5, 69.9, 400, id="at 70 degrees north"),
        pytest.param(-68.3, -69.9, 20_000, id="large at 70 degrees south"),
        pytest.param(180.0, -16.8, 300, id="cut by the antimeridian, Taveuni"),
        pytest.param(179.999, 65.0, 8_000, id="large and cut by the antimeridian"),
        pytest.param(-179.9995, -16.8, 40, id="just east of the antimeridian"),
        pytest.param(179.9, 10.0, 500, id="near the antimeridian and not cut"),
    ],
)
def test_polygons_agree_with_postgis(
    engine: Engine, lon: float, lat: float, size_m: float, margin_m: float
) -> None:
    """Containment as ST_Covers has it, metres within 0.1 % and 5 cm of ST_Distance."""
    random = np.random.default_rng(int(size_m))
    for _ in range(4):
        drawn = draw(random, lon=lon, lat=lat, size_m=size_m)
        index = GeofenceIndex([watched(drawn.area, margin_m=margin_m)], revision=1)
        points_lon, points_lat = drawn.points(random, 150)

        distances = measured(index, points_lon, points_lat)

        inside, metres = ask(engine, drawn, points_lon, points_lat)
        expected = np.where(inside, -metres, metres) - margin_m
        near = metres <= ACCURATE_UP_TO_M
        assert near.sum() > 15
        for at in np.flatnonzero(near & (np.abs(distances - expected) > 0.05 + 1e-3 * metres)):
            metres[at] = drawn.nearest_m(points_lon[at], points_lat[at], metres[at])
        expected = np.where(inside, -metres, metres) - margin_m
        assert np.all(np.abs(distances - expected)[near] <= 0.05 + 1e-3 * metres[near])
        plain = np.abs(expected) > 0.05 + 1e-3 * metres
        assert np.array_equal(matched(index, points_lon, points_lat)[plain], expected[plain] <= 0)


@pytest.mark.parametrize("margin_m", [0.0, 100.0])
@pytest.mark.parametrize(
    ("lon", "lat", "radius_m"),
    [
        pytest.param(-3.53, 50.72, 75, id="round a library"),
        pytest.param(-3.53, 50.72, 5, id="the smallest"),
        pytest.param(25.0, 70.0, 10_000, id="10 km at 70 degrees"),
        pytest.param(180.0, -16.8, 500, id="round a point on the antimeridian"),
        pytest.param(-179.99, 52.0, 5_000, id="across the antimeridian"),
        pytest.param(0.0, 0.0, 50_000, id="the largest"),
    ],
)
def test_circles_agree_with_postgis(
    engine: Engine, lon: float, lat: float, radius_m: float, margin_m: float
) -> None:
    """Geodesic distance from the centre, whatever polygon is stored beside it."""
    random = np.random.default_rng(int(radius_m))
    area = stored_area(Circle(Position(lon=lon, lat=lat), radius_m))
    fence = watched(area, centre=(lon, lat), radius_m=radius_m, margin_m=margin_m)
    index = GeofenceIndex([fence], revision=1)
    reach = (radius_m + margin_m) * np.concatenate(
        [np.sqrt(random.random(150)) * 2, 1 + 0.004 * (random.random(150) - 0.5)]
    )
    bearing = random.random(300) * 2 * pi
    north = reach * np.cos(bearing) / ONE_DEGREE_M
    east = reach * np.sin(bearing) / (ONE_DEGREE_M * np.cos(np.radians(lat + north)))
    points_lon, points_lat = on_the_globe(lon + east), lat + north

    distances = measured(index, points_lon, points_lat)

    points = {"lon": points_lon.tolist(), "lat": points_lat.tolist()}
    centre = bytes(shapely.to_wkb(shapely.Point(lon, lat)))
    with engine.connect() as connection:
        metres = np.array(connection.scalars(METRES, {"shape": centre, **points}).all())
    expected = metres - radius_m - margin_m
    tolerance = 0.05 + 1e-3 * metres
    assert np.all(np.abs(distances - expected) <= tolerance)
    plain = np.abs(expected) > tolerance
    assert np.array_equal(matched(index, points_lon, points_lat)[plain], expected[plain] <= 0)


def square(lon: float, lat: float, half_deg: float = 0.0004) -> MultiPolygon:
    """A small square round a point."""
    return MultiPolygon(
        [shapely.box(lon - half_deg, lat - half_deg, lon + half_deg, lat + half_deg)]
    )


def test_a_cut_at_the_antimeridian_is_no_edge() -> None:
    """In the middle of such a square one is as far inside as in the middle of any other."""
    halves = MultiPolygon(
        [shapely.box(179.9996, 0, 180, 0.0008), shapely.box(-180, 0, -179.9996, 0.0008)]
    )
    cut = GeofenceIndex([watched(halves)], revision=1)
    whole = GeofenceIndex([watched(square(10, 0.0004))], revision=1)

    on_it = measured(cut, np.array([180.0, -180.0]), np.array([0.0004, 0.0004]))

    in_the_other = measured(whole, np.array([10.0]), np.array([0.0004]))
    assert on_it == pytest.approx([in_the_other[0]] * 2, abs=0.01)
    assert on_it[0] == pytest.approx(-44.2, abs=0.1)


def test_the_edge_itself_is_inside() -> None:
    """Whoever stands on the line is in, as PostGIS's ST_Covers has it."""
    index = GeofenceIndex([watched(MultiPolygon([shapely.box(0, 0, 0.001, 0.001)]))], revision=1)

    corners = matched(index, np.array([0.0, 0.001, 0.0005]), np.array([0.0, 0.001, 0.0]))

    assert corners.all()


def test_several_geofences_match_several_positions() -> None:
    """Nested, overlapping and distant ones: each pair is found once."""
    small, large, far = watched(square(0, 0)), watched(square(0, 0, 0.01)), watched(square(9, 9))
    index = GeofenceIndex([small, large, far], revision=1)

    matches = index.match(np.array([0.0, 0.005, 9.0, 40.0]), np.array([0.0, 0.0, 9.0, 0.0]))

    pairs = sorted(zip(matches.positions.tolist(), matches.geofences.tolist(), strict=True))
    assert pairs == [(0, 0), (0, 1), (1, 1), (2, 2)]
    assert [index.number_of(one.id) for one in (small, large, far)] == [0, 1, 2]


def test_an_index_of_nothing_finds_nothing() -> None:
    """A service without a geofence takes pings all the same."""
    index = GeofenceIndex((), revision=0)

    matches = index.match(np.array([-3.53, 180.0]), np.array([50.72, 90.0]))

    assert len(matches.positions) == len(matches.geofences) == 0
    assert len(index.sizes_m()) == 0
    assert not index.looks_swapped(np.array([50.72]), np.array([-3.53])).any()


def test_sizes_are_those_of_circles_with_the_same_area() -> None:
    """A circle's size is its radius; a square's is its side over the root of pi."""
    circle = Circle(Position(lon=-3.53, lat=50.72), 120.0)
    index = GeofenceIndex(
        [
            watched(stored_area(circle), centre=(-3.53, 50.72), radius_m=120.0),
            watched(square(0, 0, 50 / ONE_DEGREE_M)),
        ],
        revision=1,
    )

    assert index.sizes_m() == pytest.approx([120, 100 / pi**0.5], rel=0.01)


def test_the_geofences_of_a_place_are_found() -> None:
    """One place may have several, another none."""
    building, garden, elsewhere = (
        watched(square(0, 0)),
        watched(square(1, 1)),
        watched(square(2, 2)),
    )
    garden = replace(garden, place_id=building.place_id)
    index = GeofenceIndex([building, elsewhere, garden], revision=1)

    assert index.of_place(building.place_id).tolist() == [0, 2]
    assert index.of_place(uuid4()).tolist() == []


@pytest.mark.parametrize(
    ("lon", "lat", "expected"),
    [
        pytest.param(-3.53, 50.72, False, id="at home"),
        pytest.param(50.72, -3.53, True, id="exchanged"),
        pytest.param(-3.53, 52.0, False, id="a degree away"),
        pytest.param(2.35, 48.85, False, id="Paris"),
        pytest.param(179.0, -3.53, False, id="a longitude that is no latitude"),
        pytest.param(48.85, 2.35, False, id="exchanged, but of nowhere near"),
    ],
)
def test_exchanged_numbers_are_noticed(lon: float, lat: float, *, expected: bool) -> None:
    """Far from every geofence, and among them once the numbers change places."""
    index = GeofenceIndex([watched(square(-3.53, 50.72)), watched(square(-4.1, 50.4))], revision=1)

    assert index.looks_swapped(np.array([lon]), np.array([lat])).tolist() == [expected]


def test_building_an_index_leaves_the_areas_alone() -> None:
    """Snapshots share areas, so laying one out must not move those of the next."""
    area = square(-3.53, 50.72)
    before = area.wkb

    GeofenceIndex([watched(area)], revision=1)
    GeofenceIndex([watched(area)], revision=2)

    assert area.wkb == before


def test_areas_read_from_the_table_can_be_watched() -> None:
    """What the domain stores is what the index is built of."""
    area = stored_area(Polygonal(square(-3.53, 50.72)))

    index = GeofenceIndex([watched(area)], revision=7)

    assert index.revision == 7
    assert matched(index, np.array([-3.53]), np.array([50.72])).all()


@pytest.mark.parametrize(
    ("lon", "lat", "size_m"),
    [
        pytest.param(-3.53, 50.72, 40, id="a library in Exeter"),
        pytest.param(20.0, 66.0, 60_000, id="a county of Lapland"),
        pytest.param(0.0001, 0.0, 3, id="tiny, where meridian and equator cross"),
        pytest.param(180.0, -16.8, 300, id="cut by the antimeridian, Taveuni"),
        pytest.param(10.0, 89.95, 20, id="close to the pole"),
    ],
)
@pytest.mark.parametrize("reach_m", [1e-9, 120.0, 6_000.0])
def test_whatever_is_left_out_as_far_is_far(
    lon: float, lat: float, size_m: float, reach_m: float
) -> None:
    """A box stands for the distance only where the two cannot disagree."""
    random = np.random.default_rng(int(size_m))
    drawn = draw(random, lon=lon, lat=lat, size_m=size_m)
    ring = watched(drawn.area, centre=(on_the_globe(np.array(lon)).item(), lat), radius_m=size_m)
    far = watched(square(-50, 10))
    reaching = [
        replace(one, overrides=REACHING) for one in (watched(drawn.area, margin_m=30.0), ring)
    ]
    index = GeofenceIndex([far, *reaching], revision=1)
    extent = 2 * (size_m + reach_m) / ONE_DEGREE_M
    points_lat = np.clip(lat + extent * random.uniform(-1, 1, 3000), -90, 90)
    wide = extent / np.maximum(np.cos(np.radians(points_lat)), 1e-3)
    points_lon = on_the_globe(lon + wide * random.uniform(-1, 1, 3000))
    numbers = np.array([1, 2], dtype=np.intp)

    positions, geofences = index.reached(points_lon, points_lat, (0.0, reach_m))

    near = set(zip(positions.tolist(), geofences.tolist(), strict=True))
    every = np.repeat(np.arange(3000), 2), np.tile(numbers, 3000)
    distances = index.distances_m(points_lon, points_lat, *every)
    for at, number, metres in zip(*(one.tolist() for one in (*every, distances)), strict=True):
        assert metres > reach_m or (at, number) in near
    assert len(near) == len(positions)
    assert len(near) < 6000
    matches = index.match(points_lon, points_lat)
    pairs = zip(matches.positions.tolist(), matches.geofences.tolist(), strict=True)
    assert near >= set(pairs)
    round_all = index.within(points_lon, points_lat, np.full(3000, reach_m))
    touched = set(zip(round_all.positions.tolist(), round_all.geofences.tolist(), strict=True))
    assert len(touched) == len(round_all.positions)
    for at, number, metres in zip(*(one.tolist() for one in (*every, distances)), strict=True):
        assert metres <= reach_m or (at, number) not in touched
        assert metres > 0.97 * reach_m or (at, number) in touched


def test_distances_do_not_depend_on_what_is_measured_along_with_them() -> None:
    """Each pair stands by itself, beside outlines of any length."""
    random = np.random.default_rng(7)
    coast = MultiPolygon([shapely.Point(-3.53, 50.72).buffer(0.05, quad_segs=5_000)])
    index = GeofenceIndex(
        [watched(coast, margin_m=10.0), watched(square(-3.53, 50.72))], revision=1
    )
    lon, lat = -3.53 + random.normal(0, 0.05, 300), 50.72 + random.normal(0, 0.05, 300)
    positions, geofences = np.repeat(np.arange(300), 2), np.tile(np.arange(2), 300)

    together = index.distances_m(lon, lat, positions, geofences)

    one_by_one = [
        index.distances_m(lon, lat, positions[at : at + 1], geofences[at : at + 1]).item()
        for at in range(600)
    ]
    assert together.tolist() == one_by_one
