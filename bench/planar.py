"""What a query of PostGIS alone would have: planar areas with an index, and asked in sets."""

import psycopg

TABLE = """
CREATE SCHEMA peer;
CREATE TABLE peer.fences AS SELECT id, area::geometry(Geometry, 4326) FROM geofences;
CREATE INDEX ON peer.fences USING gist (area)
"""
MATCHES = """
SELECT p.n, f.id FROM unnest(%s::float8[], %s::float8[]) WITH ORDINALITY AS p(lon, lat, n)
JOIN LATERAL (
  SELECT id FROM peer.fences
  WHERE ST_Intersects(area, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326))
) AS f ON true
"""
"""The number of each position, from 1, with a geofence that contains it."""


def make_fences(connection: psycopg.Connection) -> None:
    """Make it of the geofences there are."""
    connection.execute(TABLE)
    connection.execute("VACUUM ANALYZE peer.fences")
