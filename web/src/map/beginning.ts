/** Which part of the earth the map begins with. */

import { api, call } from "../api/client.ts";
import { Refusal } from "../api/failures.ts";
import { search } from "../near/search.svelte.ts";
import { boxAround, boxOf, type Box, type Point } from "./boxes.ts";
import type { Tiles } from "./style.ts";

/** A map of one place shows so much round it, in metres. */
const roundPlaceM = 250;
/** And one of several at least so much. */
const leastM = 300;

/** What was shown last and what for: kept while the app is open, so that the way back leads to it. */
let kept: { readonly box: Box; readonly of: unknown } | null = null;

export interface Beginning {
  readonly tiles: Tiles;
  readonly box: Box;
}

/** Read what the map needs, and where it begins: at a place, at what was found, or with everything. */
export async function begin(placeId: string | null): Promise<Beginning> {
  const [tiles, box] = await Promise.all([call(api.GET("/v1/tiles")), boxFor(placeId)]);
  return { tiles, box: box ?? boundsOf(tiles) };
}

/** Read what the map needs, and begin with some points, or with everything where there are none. */
export async function beginWith(points: readonly Point[]): Promise<Beginning> {
  const tiles = await call(api.GET("/v1/tiles"));
  return { tiles, box: boxAbout(points) ?? boundsOf(tiles) };
}

/** Keep what is shown now. */
export function keep(box: Box, placeId: string | null): void {
  kept = { box, of: reasonFor(placeId) };
}

async function boxFor(placeId: string | null): Promise<Box | null> {
  if (kept && kept.of === reasonFor(placeId)) {
    return kept.box;
  }
  if (placeId !== null) {
    return boxRound(placeId);
  }
  const found = search.state.is === "found" ? search.state.places : [];
  return boxAbout(found.map(({ geometry }) => pointOf(geometry)));
}

/** Return a box with all points in it and something round them; null if there are none. */
export function boxAbout(points: readonly Point[]): Box | null {
  const box = boxOf(points);
  return box && widened(box);
}

/** Return the box round a place; null where there is no such place any more. */
async function boxRound(placeId: string): Promise<Box | null> {
  const params = { path: { place_id: placeId } };
  try {
    const { geometry } = await call(api.GET("/v1/places/{place_id}", { params }));
    return boxAround(pointOf(geometry), roundPlaceM);
  } catch (error) {
    if (error instanceof Refusal) {
      return null;
    }
    throw error;
  }
}

function boundsOf({ bounds }: Tiles): Box {
  const [west = -180, south = -90, east = 180, north = 90] = bounds;
  return [west, south, east, north];
}

function reasonFor(placeId: string | null): unknown {
  return placeId ?? search.state;
}

function widened([west, south, east, north]: Box): Box {
  const least = boxAround([(west + east) / 2, (south + north) / 2], leastM);
  return [
    Math.min(west, least[0]),
    Math.min(south, least[1]),
    Math.max(east, least[2]),
    Math.max(north, least[3]),
  ];
}

/** Return a point as GeoJSON has it. */
export function pointOf({
  coordinates: [lon = 0, lat = 0],
}: {
  coordinates: readonly number[];
}): Point {
  return [lon, lat];
}
