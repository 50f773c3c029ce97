"""An index that has seen many changes answers as one built anew."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geoservices.geofences.index import SHARE, GeofenceIndex
from geoservices.geofences.watched import Changes, Overrides, Watched

Floats = NDArray[np.float64]
PLACES = [UUID(int=number) for number in range(1, 6)]
OVERRIDES: list[Overrides] = [(), (("exit_margin_m", 40.0),), (("silence", timedelta(hours=1)),)]
REACHES_M = dict(zip(OVERRIDES, (150.0, 0.0, 400.0), strict=True))


def some_geofence(random: np.random.Generator, geofence_id: UUID) -> Watched:
    """A circle or a rectangle somewhere within two kilometres."""
    lon, lat = (random.uniform((-3.54, 50.71), (-3.51, 50.73))).tolist()
    half = float(random.uniform(0.0002, 0.004))
    circle = random.random() < 0.5
    return Watched(
        id=geofence_id,
        place_id=PLACES[int(random.integers(len(PLACES)))],
        organisation_id=uuid4(),
        dwell_after=timedelta(seconds=int(random.integers(60, 900))),
        margin_m=float(random.choice([0.0, 25.0])),
        area=shapely.MultiPolygon([shapely.box(lon - half, lat - half, lon + half, lat + half)]),
        centre=(lon, lat) if circle else None,
        radius_m=half * 100_000 if circle else None,
        overrides=OVERRIDES[int(random.integers(len(OVERRIDES)))],
    )


def told(index: GeofenceIndex, lon: Floats, lat: Floats) -> dict[tuple[int, UUID], float]:
    """Each match by the geofence's id, with its distance."""
    matches, metres = index.match_with_distances(lon, lat)
    ids = [index.watched(number).id for number in matches.geofences.tolist()]
    found = list(zip(matches.positions.tolist(), ids, strict=True))
    order = list(zip(matches.positions.tolist(), matches.geofences.tolist(), strict=True))
    assert order == sorted(set(order))
    plain = index.match(lon, lat)
    assert plain.positions.tolist() == matches.positions.tolist()
    assert plain.geofences.tolist() == matches.geofences.tolist()
    again = index.distances_m(lon, lat, matches.positions, matches.geofences)
    assert again.tolist() == metres.tolist()
    return dict(zip(found, metres.tolist(), strict=True))


def every_distance(index: GeofenceIndex, ids: list[UUID], lon: Floats, lat: Floats) -> Floats:
    """The distance of each position to each geofence."""
    numbers = index.numbers_of(ids)
    assert (numbers >= 0).all()
    positions = np.repeat(np.arange(len(lon)), len(ids))
    return index.distances_m(lon, lat, positions, np.tile(numbers, len(lon)))


@given(st.integers(0, 2**32), st.integers(0, 60), st.lists(st.integers(0, 9), max_size=6))
def test_changes_upon_changes_come_to_an_index_built_anew(
    seed: int, first: int, rounds: list[int]
) -> None:
    """Additions, redrawings and removals, few or many at once; older snapshots stay as they are."""
    random = np.random.default_rng(seed)
    lon, lat = random.uniform(-3.545, -3.505, 40), random.uniform(50.705, 50.735, 40)
    kept = {one.id: one for one in (some_geofence(random, uuid4()) for _ in range(first))}
    index = GeofenceIndex(list(kept.values()), revision=1)
    for revision, count in enumerate(rounds, start=2):
        before, was = index, told(index, lon, lat)
        old = [one for one in kept if random.random() < 0.1]
        gone = [kept.pop(one).id for one in old[::2]]
        drawn = [
            some_geofence(random, one) for one in [*old[1::2], *(uuid4() for _ in range(count))]
        ]
        kept |= {one.id: one for one in drawn}

        index = index.updated(
            [Changes.of(drawn[:2], gone), Changes.of(drawn[2:])], revision=revision
        )

        assert index.revision == revision
        assert told(before, lon, lat) == was
        assert [index.number_of(one) for one in gone] == [None] * len(gone)

    anew = GeofenceIndex(list(kept.values()), revision=0)
    assert told(index, lon, lat) == told(anew, lon, lat)
    ids = list(kept)
    assert len(index) == len(anew) == len(ids)
    assert np.array_equal(every_distance(index, ids, lon, lat), every_distance(anew, ids, lon, lat))
    for number, known in zip(index.numbers_of(ids).tolist(), kept.values(), strict=True):
        assert index.watched(number) == replace(known, area=None)
        assert index.overrides[index.overrides_number[number]] == known.overrides
        assert index.dwell_after_s[number] == known.dwell_after.total_seconds()
        assert index.sizes_m()[number] == anew.sizes_m()[anew.numbers_of([known.id])[0]]
    for place in PLACES:
        of_place = {index.watched(number).id for number in index.of_place(place).tolist()}
        assert of_place == {one.id for one in kept.values() if one.place_id == place}


def test_a_change_to_one_of_many_keeps_the_others_numbers_and_arrays() -> None:
    """The large layer is neither copied nor built again, so forked processes go on sharing it."""
    random = np.random.default_rng(3)
    many = [some_geofence(random, uuid4()) for _ in range(4 * SHARE)]
    index = GeofenceIndex(many, revision=1)
    moved = replace(some_geofence(random, many[5].id), margin_m=25.0)

    after = index.updated([Changes.of([moved], [many[6].id])], revision=2)

    assert after._base.table is index._base.table
    assert after._base.tree is index._base.tree
    others = [one.id for one in many if one.id not in {moved.id, many[6].id}]
    assert after.numbers_of(others).tolist() == index.numbers_of(others).tolist()
    assert after.number_of(moved.id) == len(many)
    assert after.number_of(many[6].id) is None
    assert len(after.sizes_m()) == len(many) + 1
    assert len(after) == len(many) - 1
    assert set(after.numbers().tolist()) == {*range(len(many) + 1)} - {5, 6}


@given(st.integers(0, 2**32), st.integers(1, 60), st.lists(st.integers(1, 4), max_size=4))
def test_what_is_in_reach_stays_true_through_changes(
    seed: int, first: int, rounds: list[int]
) -> None:
    """As an index built anew tells it, and of nothing that is gone or has no reach."""
    random = np.random.default_rng(seed)
    lon, lat = random.uniform(-3.545, -3.505, 40), random.uniform(50.705, 50.735, 40)
    kept = {one.id: one for one in (some_geofence(random, uuid4()) for _ in range(first))}
    index = GeofenceIndex(list(kept.values()), revision=1)
    for revision, count in enumerate(rounds, start=2):
        in_reach(index, lon, lat)
        gone = [kept.pop(one).id for one in list(kept)[:2]]
        drawn = [some_geofence(random, uuid4()) for _ in range(count)]
        kept |= {one.id: one for one in drawn}
        index = index.updated([Changes.of(drawn, gone)], revision=revision)

    found = in_reach(index, lon, lat)

    assert found == in_reach(GeofenceIndex(list(kept.values()), revision=0), lon, lat)
    for number, known in zip(index.numbers_of(list(kept)).tolist(), kept.values(), strict=True):
        metres = index.distances_m(lon, lat, np.arange(40), np.full(40, number))
        within = set(np.flatnonzero(metres <= REACHES_M[known.overrides]).tolist())
        told_of = {position for position, one in found if one == known.id}
        assert told_of >= within if REACHES_M[known.overrides] else not told_of
    assert sorted(index.ids()) == sorted(kept)


def in_reach(index: GeofenceIndex, lon: Floats, lat: Floats) -> set[tuple[int, UUID]]:
    """Each position with the geofences that may be in reach."""
    reach_m = tuple(REACHES_M[one] for one in index.overrides)
    positions, numbers = (one.tolist() for one in index.reached(lon, lat, reach_m))
    order = list(zip(positions, numbers, strict=True))
    assert order == sorted(set(order))
    return {(position, index.watched(number).id) for position, number in order}


def test_what_finds_those_in_reach_is_built_once() -> None:
    """Neither for each request, nor for the many when one of them changes."""
    random = np.random.default_rng(8)
    many = [replace(some_geofence(random, uuid4()), overrides=()) for _ in range(4 * SHARE)]
    index = GeofenceIndex(many, revision=1)
    here = np.array([-3.53]), np.array([50.72])
    index.reached(*here, (300.0,))
    [built] = index._base._reaching.values()

    index.reached(*here, (300.0,))
    after = index.updated([Changes.of([], [many[0].id])], revision=2)
    after.reached(*here, (300.0,))

    assert list(after._base._reaching.values()) == [built]
    after.reached(*here, (200.0,))
    assert list(after._base._reaching) == [(200.0,)]


def test_ids_may_come_as_bytes() -> None:
    """As a batch of pings has them."""
    random = np.random.default_rng(4)
    known = [some_geofence(random, uuid4()) for _ in range(3)]
    index = GeofenceIndex(known, revision=1)
    asked = [known[2].id, uuid4(), known[0].id]

    as_bytes = np.frombuffer(b"".join(one.bytes for one in asked), dtype=np.uint8).reshape(-1, 16)

    assert index.numbers_of(as_bytes).tolist() == [2, -1, 0]
    assert index.numbers_of(asked).tolist() == [2, -1, 0]
    assert index.numbers_of([]).tolist() == []


def test_what_is_gone_widens_the_extent_no_more() -> None:
    """Exchanged numbers are noticed again once a geofence drawn in the wrong place is deleted."""
    random = np.random.default_rng(5)
    right = [some_geofence(random, uuid4()) for _ in range(4 * SHARE)]
    far = some_geofence(random, uuid4())
    wrong = replace(far, centre=(50.7, -3.5), radius_m=50.0)
    index = GeofenceIndex([*right, wrong], revision=1)
    swapped = np.array([50.72]), np.array([-3.53])

    after = index.updated([Changes.of([], [wrong.id])], revision=2)

    assert index.looks_swapped(*swapped).tolist() == [False]
    assert after.looks_swapped(*swapped).tolist() == [True]


@pytest.mark.parametrize("east", [0.0, 183.53])
def test_lines_meet_what_they_pass_through_and_what_they_end_in(east: float) -> None:
    """Also across the antimeridian, and with geofences that came later."""

    def at(lon: float) -> float:
        return (lon + east + 180.0) % 360.0 - 180.0

    random = np.random.default_rng(6)
    far = [some_geofence(random, uuid4()) for _ in range(4 * SHARE)]
    far = [replace(one, centre=(20.0, 10.0), radius_m=20.0) for one in far]
    blank = replace(far[0], area=None, margin_m=0.0)
    circle = replace(blank, id=uuid4(), centre=(at(-3.53), 50.72), radius_m=50.0)
    wide = replace(circle, id=uuid4(), margin_m=100.0)
    house = replace(
        blank,
        id=uuid4(),
        centre=None,
        radius_m=None,
        area=_box(at(-3.5304), at(-3.5296), 50.7196, 50.7204),
    )
    index = GeofenceIndex([*far, circle], revision=1)
    index = index.updated([Changes.of([wide, house])], revision=2)
    north = 1e-5 * np.array([0.0, 0.0, 110.0, 300.0, 20.0, 0.0])
    begin = np.array([-0.01, 0.0, -0.01, -0.01, -0.01, -0.01])
    end = np.array([0.01, 0.0, 0.01, 0.01, 0.0, -0.005])
    lon = np.array([at(-3.53 + by) for by in begin.tolist()])
    to_lon = np.array([at(-3.53 + by) for by in end.tolist()])

    found = index.crossed(lon, 50.72 + north, to_lon, 50.72 + north)

    names = {circle.id: "circle", wide.id: "wide", house.id: "house"}
    told_of: list[set[str]] = [set() for _ in north]
    for line, number in zip(found.positions.tolist(), found.geofences.tolist(), strict=True):
        told_of[line].add(names[index.watched(number).id])
    everything = {"circle", "wide", "house"}
    assert told_of == [everything, everything, {"wide"}, set(), everything, set()]
    pairs = list(zip(found.positions.tolist(), found.geofences.tolist(), strict=True))
    assert pairs == sorted(pairs)


def _box(west: float, east: float, south: float, north: float) -> shapely.MultiPolygon:
    """A box, cut at the antimeridian if it crosses that."""
    if west < east:
        return shapely.MultiPolygon([shapely.box(west, south, east, north)])
    halves = [shapely.box(west, south, 180.0, north), shapely.box(-180.0, south, east, north)]
    return shapely.MultiPolygon(halves)


@given(st.integers(0, 2**32))
def test_lines_meet_what_dense_points_on_them_are_within(seed: int) -> None:
    """Short and long lines over many geofences, against positions every few metres."""
    random = np.random.default_rng(seed)
    index = GeofenceIndex([some_geofence(random, uuid4()) for _ in range(30)], revision=1)
    lon, lat = random.uniform(-3.545, -3.505, 20), random.uniform(50.705, 50.735, 20)
    length = random.choice([0.0, 0.001, 0.02], 20)
    to_lon, to_lat = lon + random.normal(0, 1, 20) * length, lat + random.normal(0, 1, 20) * length
    share = np.linspace(0, 1, 400)[:, None]
    dense = index.match(
        (lon + share * (to_lon - lon)).ravel(), (lat + share * (to_lat - lat)).ravel()
    )
    on_the_way = set(zip((dense.positions % 20).tolist(), dense.geofences.tolist(), strict=True))

    found = index.crossed(lon, lat, to_lon, to_lat)

    met = set(zip(found.positions.tolist(), found.geofences.tolist(), strict=True))
    assert on_the_way <= met
    step_m = 111_000.0 * np.hypot(to_lon - lon, to_lat - lat) / 399
    for line, number in met - on_the_way:
        points = np.full(400, number)
        nearest_m = index.distances_m(
            lon[line] + share[:, 0] * (to_lon - lon)[line],
            lat[line] + share[:, 0] * (to_lat - lat)[line],
            np.arange(400),
            points,
        ).min()
        assert nearest_m <= step_m[line] + 0.01
