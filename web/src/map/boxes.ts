/** Parts of the earth, in degrees on WGS 84. */

/** West, south, east, north. */
export type Box = readonly [number, number, number, number];
/** Longitude, latitude. */
export type Point = readonly [number, number];

/** Metres for a degree of latitude, on the sphere of the earth's mean radius. */
const degreeM = 111_195;
/** About 10 cm. */
const decimals = 6;
const corners = 48;

/** Return a box as the service takes it; a map may show more than there is of the world. */
export function asQuery([west, south, east, north]: Box): string {
  const within = [
    Math.max(-180, west),
    Math.max(-90, south),
    Math.min(180, east),
    Math.min(90, north),
  ];
  return within.map((degrees) => degrees.toFixed(decimals)).join(",");
}

/** Return the box whose sides are so many metres from a point. */
export function boxAround([lon, lat]: Point, metres: number): Box {
  const [x, y] = degreesOf(metres, lat);
  return [lon - x, lat - y, lon + x, lat + y];
}

/** Return the smallest box with all points in it; null if there are none. */
export function boxOf(points: readonly Point[]): Box | null {
  if (points.length === 0) {
    return null;
  }
  const lons = points.map(([lon]) => lon);
  const lats = points.map(([, lat]) => lat);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

/** Return how far two points are apart in metres; some kilometres at most. */
export function metresBetween([fromLon, fromLat]: Point, [toLon, toLat]: Point): number {
  const [x] = degreesOf(1, (fromLat + toLat) / 2);
  return Math.hypot((toLon - fromLon) / x, (toLat - fromLat) * degreeM);
}

/** Return a circle as a ring of points, the first again at its end (RFC 7946 section 3.1.6). */
export function circleAround([lon, lat]: Point, radiusM: number): [number, number][] {
  const [x, y] = degreesOf(radiusM, lat);
  return Array.from({ length: corners + 1 }, (_, corner) => {
    const angle = (2 * Math.PI * (corner % corners)) / corners;
    return [lon + x * Math.cos(angle), lat + y * Math.sin(angle)];
  });
}

function degreesOf(metres: number, lat: number): Point {
  const y = metres / degreeM;
  return [y / Math.max(0.01, Math.cos((lat * Math.PI) / 180)), y];
}
