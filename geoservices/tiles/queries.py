"""What is drawn on a tile."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from geoservices.geometry.boxes import Bbox
from geoservices.tiles.addresses import EXTENT, MARGIN, TileAddress

CELL: Final = 512
"""Below `SHAPES_FROM`, places in the same cell of so many units are one point with their number.

Maps draw tiles 512 pixels wide, and a number that a finger finds is 44 (WCAG 2.2, 2.5.5).
"""
SHAPES_FROM: Final = 13
"""From this zoom on every place is a point of its own, and watched areas are drawn."""
MOST_AREAS: Final = 1_000
"""So many areas are drawn on a tile, the largest ones."""
SMALL_CELL: Final = 128
"""In cells of so many units places are one point where a tile would show too many."""
MOST_PLACES: Final = (EXTENT // SMALL_CELL) ** 2
"""So many points are on a tile, whichever way it is drawn."""

REVISION = text("""
SELECT g.revision, p.revision FROM geofence_revision AS g, place_revision AS p
""")
# The boxes are sent as degrees, so that nothing beyond the Mercator projection's ends is projected.
DRAWN = text("""
WITH frame AS (
  SELECT
    ST_TileEnvelope(:z, :x, :y) AS tile,
    ST_MakeEnvelope(:west, :south, :east, :north, 4326) AS within,
    ST_MakeEnvelope(:far_west, :far_south, :far_east, :far_north, 4326) AS around
),
projected AS (
  SELECT p.id, p.name, p.category, ST_Transform(p.point::geometry, 3857) AS point, frame.tile
  FROM places AS p, frame WHERE p.point::geometry && frame.within
),
placed AS (
  SELECT id, name, category,
    (ST_X(point) - ST_XMin(tile)) / (ST_XMax(tile) - ST_XMin(tile)) * :extent AS x,
    (ST_YMax(tile) - ST_Y(point)) / (ST_YMax(tile) - ST_YMin(tile)) * :extent AS y
  FROM projected
),
points AS (
  SELECT count(*) AS places, min(id::text) AS id, min(name) AS name, min(category) AS category,
    ST_MakePoint(avg(x), avg(y)) AS shape
  FROM placed
  -- Whoever stands on an edge is drawn on one of the two tiles.
  WHERE x >= 0 AND x < :extent AND y >= 0 AND y < :extent
  GROUP BY floor(x / :cell), floor(y / :cell),
    CASE WHEN :each AND (SELECT count(*) FROM placed) <= :most_places THEN id END
),
areas AS (
  SELECT g.id::text AS id, g.place_id::text AS place_id, g.name,
    ST_AsMVTGeom(
      ST_Transform(ST_ClipByBox2D(g.area::geometry, frame.around), 3857),
      frame.tile, :extent, :margin
    ) AS shape
  FROM geofences AS g JOIN places AS p ON p.id = g.place_id, frame
  WHERE :each AND g.area::geometry && frame.around
    AND g.disabled_at IS NULL AND g.deleted_at IS NULL AND p.sensitive_at IS NULL
  ORDER BY ST_Area(g.area::geometry) DESC, g.id
  LIMIT :most_areas
)
SELECT
  (SELECT ST_AsMVT(a, 'geofences', :extent, 'shape') FROM areas AS a WHERE a.shape IS NOT NULL)
  || (SELECT ST_AsMVT(p, 'places', :extent, 'shape') FROM (
    SELECT places, shape,
      CASE WHEN places = 1 THEN id END AS id,
      CASE WHEN places = 1 THEN name END AS name,
      CASE WHEN places = 1 THEN category END AS category
    FROM points
  ) AS p)
""")


EXTENT_OF_PLACES = text("""
SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e)
FROM (SELECT ST_Extent(point::geometry) AS e FROM places) AS all_places
WHERE e IS NOT NULL
""")


def revision(session: Session) -> str:
    """Return what changes whenever anything that is drawn does."""
    geofences, places = session.execute(REVISION).one()
    return f"{geofences}-{places}"


def extent(session: Session) -> Bbox | None:
    """Return the box that all places lie in, in degrees; None if there are none.

    The session must see everybody's rows.
    """
    row = session.execute(EXTENT_OF_PLACES).one_or_none()
    if row is None:
        return None
    west, south, east, north = row
    return west, south, east, north


def draw(session: Session, address: TileAddress) -> bytes:
    """Return a tile (Mapbox Vector Tile 2.1) with the layers `geofences` and `places`.

    It is b"" where nothing is. The session must see everybody's rows.
    """
    each = address.z >= SHAPES_FROM
    west, south, east, north = address.box()
    far_west, far_south, far_east, far_north = address.box(MARGIN)
    values = {
        "z": address.z,
        "x": address.x,
        "y": address.y,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "far_west": far_west,
        "far_south": far_south,
        "far_east": far_east,
        "far_north": far_north,
        "extent": EXTENT,
        "margin": MARGIN,
        "cell": SMALL_CELL if each else CELL,
        "each": each,
        "most_places": MOST_PLACES,
        "most_areas": MOST_AREAS,
    }
    return bytes(session.execute(DRAWN, values).scalar_one())
