"""Made-up walkers: where they go, how wrong their phones are."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely

from geodata.simulation import (
    GOOD_SKY,
    INDOOR,
    NONE,
    PRESETS,
    URBAN_CANYON,
    LonLat,
    NoiseModel,
    SimulatedPing,
    stay_at,
    stroll_past,
    walk,
)
from geoservices.geometry.planar import distance_m
from tests.factories import EXETER, NOON

SAMPLE = Path(__file__).parents[2] / "geodata/samples/devon-libraries.geojson"
PATH = [EXETER, (EXETER[0] + 0.01, EXETER[1])]


def errors_m(pings: list[SimulatedPing]) -> np.ndarray:
    """How far each ping is from the truth."""
    columns = np.array([[p.lon, p.lat, p.true_lon, p.true_lat] for p in pings]).T
    return distance_m(columns[0], columns[1], columns[2], columns[3])


def outlines() -> list[shapely.Polygon]:
    """The building outlines of the sample."""
    features = json.loads(SAMPLE.read_text(encoding="utf-8"))["features"]
    shapes = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in features]
    return [shape for shape in shapes if isinstance(shape, shapely.Polygon)]


def test_a_walk_without_noise_is_the_path() -> None:
    """Every 5 s 7 m further, straight east, and the end itself at last."""
    pings = walk(PATH, start_at=NOON, noise=NONE, seed=1)

    length_m = float(distance_m(*np.array([PATH[0]]).T, *np.array([PATH[1]]).T)[0])
    assert len(pings) == int(length_m // 7) + 2
    assert (pings[0].lon, pings[0].lat) == pytest.approx(PATH[0])
    assert (pings[-1].lon, pings[-1].lat) == pytest.approx(PATH[-1])
    assert [p.recorded_at for p in pings[:3]] == [NOON + timedelta(seconds=5 * k) for k in range(3)]
    assert (pings[-1].recorded_at - NOON).total_seconds() == pytest.approx(length_m / 1.4)
    steps = np.diff([[p.true_lon, p.true_lat] for p in pings[:-1]], axis=0)
    np.testing.assert_allclose(steps[:, 0], steps[0, 0], rtol=1e-6)
    assert {(p.heading_deg, p.speed_mps, p.accuracy_m) for p in pings} == {(90.0, 1.4, 5.0)}


def test_a_walk_turns_at_corners() -> None:
    """Headings are those of the leg walked on."""
    path = [(0.0, 0.0), (0.001, 0.0), (0.001, 0.001), (0.0, 0.001)]

    pings = walk(path, start_at=NOON, noise=NONE, seed=1, speed_mps=5.0)

    headings = [p.heading_deg for p in pings]
    assert sorted(set(headings), key=headings.index) == [90.0, 0.0, 270.0]


def test_a_walk_crosses_the_antimeridian() -> None:
    """By the short way, with longitudes in range."""
    path = [(179.999, 0.0), (-179.999, 0.0)]

    pings = walk(path, start_at=NOON, noise=GOOD_SKY, seed=1)

    assert len(pings) < 40
    assert all(abs(p.lon) > 179.99 and abs(p.lon) <= 180.0 for p in pings)
    assert all(abs(p.true_lon) <= 180.0 for p in pings)


@pytest.mark.parametrize(("path", "speed_mps"), [([EXETER], 1.4), (PATH, 0.0)])
def test_a_walk_needs_a_way_and_a_speed(path: list[LonLat], speed_mps: float) -> None:
    """One point is a stay, and so is no speed."""
    with pytest.raises(ValueError, match="two points and a speed"):
        walk(path, start_at=NOON, noise=NONE, seed=1, speed_mps=speed_mps)


def test_the_seed_decides_everything() -> None:
    """The same seed makes the same pings, another makes others."""
    first, again, other = (walk(PATH, start_at=NOON, noise=INDOOR, seed=s) for s in (7, 7, 8))

    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("noise", "median_m"),
    [
        pytest.param(GOOD_SKY, 4.9, id="good sky"),
        pytest.param(URBAN_CANYON, 19.6, id="urban canyon"),
        pytest.param(INDOOR, 34.7, id="indoor"),
    ],
)
def test_the_reported_accuracy_holds_68_percent(noise: NoiseModel, median_m: float) -> None:
    """As the W3C and both platforms define it; counted over many days, since errors last."""
    pings = stay_at(EXETER, timedelta(days=4), start_at=NOON, noise=noise, seed=42)
    accuracy_m = np.array([p.accuracy_m for p in pings])

    share = float(np.mean(errors_m(pings) <= accuracy_m))

    assert share == pytest.approx(0.68, abs=0.015)
    assert float(np.median(accuracy_m)) == pytest.approx(median_m, rel=0.05)


def test_errors_last() -> None:
    """Neighbouring errors agree as exp(-interval / correlation) says."""
    noise = replace(GOOD_SKY, drift=0.0, correlation=timedelta(seconds=60))
    pings = stay_at(EXETER, timedelta(days=2), start_at=NOON, noise=noise, seed=5)
    east = np.array([p.lon - p.true_lon for p in pings])

    for lag in (1, 12):
        found = float(np.corrcoef(east[:-lag], east[lag:])[0, 1])
        assert found == pytest.approx(np.exp(-5 * lag / 60), abs=0.05)


def test_outliers_are_far_off_and_sure_of_themselves() -> None:
    """Single pings 400 m away that claim 2 m; the others are as before."""
    clean = stay_at(EXETER, timedelta(hours=2), start_at=NOON, noise=GOOD_SKY, seed=3)
    noise = replace(GOOD_SKY, outliers=0.05)

    pings = stay_at(EXETER, timedelta(hours=2), start_at=NOON, noise=noise, seed=3)

    wrong = [p for p in pings if p.accuracy_m == 2.0]
    assert 0.03 < len(wrong) / len(pings) < 0.07
    np.testing.assert_allclose(errors_m(wrong), 400.0, rtol=0.002)
    assert [p for p in pings if p not in wrong] == [
        c for c, p in zip(clean, pings, strict=True) if p not in wrong
    ]


def test_a_stay_stands_still() -> None:
    """No speed, no heading, one ping at each interval, both ends included."""
    pings = stay_at(EXETER, timedelta(minutes=1), start_at=NOON, noise=NONE, seed=1)

    assert len(pings) == 13
    assert {(p.lon, p.lat, p.speed_mps, p.heading_deg) for p in pings} == {
        (round(EXETER[0], 7), round(EXETER[1], 7), 0.0, None)
    }


@pytest.mark.parametrize("offset_m", [0.0, 8.0, 60.0])
def test_a_stroll_comes_exactly_as_near_as_told(offset_m: float) -> None:
    """Past every library of the sample: never nearer, and just that near once."""
    for outline in outlines():
        (lon_a, lat_a), (lon_b, lat_b) = stroll_past(outline, offset_m=offset_m)
        line = np.linspace([lon_a, lat_a], [lon_b, lat_b], 4001)
        centre = outline.centroid
        scale = [111_300 * np.cos(np.radians(centre.y)), 111_250]
        flat = shapely.Polygon(
            (shapely.get_coordinates(outline.exterior) - [centre.x, centre.y]) * scale
        )
        way = shapely.LineString((line - [centre.x, centre.y]) * scale)

        assert shapely.distance(flat, way) == pytest.approx(offset_m, abs=0.3 + offset_m * 0.002)


def test_a_stroll_begins_before_and_ends_after_the_building() -> None:
    """Its length is the long side and what was asked for on both ends."""
    square = shapely.box(-0.0002, -0.0001, 0.0002, 0.0001)

    start, end = stroll_past(shapely.MultiPolygon([square]), before_m=100, after_m=50, offset_m=5)

    length_m = distance_m(*np.array([start]).T, *np.array([end]).T)[0]
    assert length_m == pytest.approx(0.0004 * 111_320 + 150, rel=1e-3)
    assert abs(start[1]) == pytest.approx(0.0001 + 5 / 110_574, rel=1e-3)


def test_every_preset_has_a_name() -> None:
    """The command line offers them all."""
    assert set(PRESETS) == {"none", "good-sky", "urban-canyon", "indoor"}
