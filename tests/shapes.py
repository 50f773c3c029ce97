"""GeoJSON geometries, good and bad, and where the files of them are."""

from pathlib import Path

from geoservices.geometry.areas import Polygonal, read_area

DATA = Path(__file__).parent / "data"
GEOJSON = DATA / "geojson"
SQUARE = [[0.0, 50.0], [0.01, 50.0], [0.01, 50.01], [0.0, 50.01], [0.0, 50.0]]
HOLE = [[0.002, 50.002], [0.002, 50.004], [0.004, 50.004], [0.004, 50.002], [0.002, 50.002]]
FAR = [[lon + 1.0, lat] for lon, lat in SQUARE]
BOW_TIE = [[0.0, 50.0], [0.01, 50.01], [0.01, 50.0], [0.0, 50.01], [0.0, 50.0]]
SLIP = [
    *([0.0, 50.0], [0.01, 50.0], [0.01, 50.01]),
    *([0.00500, 50.01], [0.00502, 50.00999], [0.00500, 50.00999], [0.00502, 50.01]),
    *([0.0, 50.01], [0.0, 50.0]),
]


def polygon(*rings: object) -> dict[str, object]:
    """A Polygon."""
    return {"type": "Polygon", "coordinates": list(rings)}


def multi(*polygons: object) -> dict[str, object]:
    """A MultiPolygon."""
    return {"type": "MultiPolygon", "coordinates": list(polygons)}


def read(geometry: object, *, repair: bool = False) -> Polygonal:
    """Read what must be polygonal."""
    area = read_area(geometry, max_vertices=20_000, repair=repair)
    assert isinstance(area, Polygonal)
    return area


def third(lon: float, south: float, north: float) -> list[list[float]]:
    """A ring a third of the way round the globe."""
    east = lon + 120
    return [[lon, south], [east, south], [east, north], [lon, north], [lon, south]]


def altered(ring: list[list[float]], number: int, position: object) -> list[object]:
    """The ring with another position at a place."""
    return [*ring[:number], position, *ring[number + 1 :]]
