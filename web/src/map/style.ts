/** What the map is made of, as MapLibre's style specification has it. */

import type {
  ExpressionSpecification,
  GeoJSONSourceSpecification,
  LayerSpecification,
  SourceSpecification,
  StyleSpecification,
} from "maplibre-gl";
import type { Schemas } from "../api/client.ts";
import type { Point } from "./boxes.ts";
import { areasFrom } from "./zooms.ts";

export type Tiles = Schemas["TileJsonOut"];
export type BaseMap = Schemas["BaseMapOut"];

/** The colours of `design/tokens.css` as they are now. */
export interface Palette {
  readonly isDark: boolean;
  readonly ground: string;
  readonly ink: string;
  readonly action: string;
  readonly onAction: string;
  readonly here: string;
  readonly bad: string;
}

/** Things that lie at one point, drawn in place of what the tiles have. */
export interface Mark {
  readonly id: string;
  readonly at: Point;
  /** How many. */
  readonly count: number;
  /** How much the weightiest of them weighs: from 2 on it is marked so, and 3 is the most. */
  readonly weight: number;
  /** 2 if one of them is one's own, 1 if one is free to take, 0 if others have all of them. */
  readonly standing: number;
}

const ours = "geoservices";
/** Layers of ours that can be tapped. */
export const pointLayers = [`${ours}-places`, `${ours}-counts`];
export const areaLayer = `${ours}-areas`;
export const hereSource = `${ours}-here`;
export const placesSource = ours;
export const marksSource = `${ours}-marks`;
/** What the names of our pictures begin with; the rest says what is on them. */
export const signs = {
  place: "geoservices:place",
  count: "geoservices:count:",
  name: "geoservices:name:",
  mark: "geoservices:mark",
};
/** Marks that would cover one another are one, in pixels, unless one cannot go nearer. */
const markRadius = 40;
const marksApartFrom = 16;

/** Return what lies under our layers. */
export function baseStyle(base: BaseMap | null, palette: Palette): StyleSpecification | string {
  if (base?.kind === "style") {
    return base.url;
  }
  const ground: LayerSpecification = {
    id: "ground",
    type: "background",
    paint: { "background-color": palette.ground },
  };
  if (!base) {
    return { version: 8, sources: {}, layers: [ground] };
  }
  return {
    version: 8,
    sources: {
      base: { type: "raster", tiles: [base.url], tileSize: 256, maxzoom: base.max_zoom },
    },
    layers: [
      ground,
      {
        id: "base",
        type: "raster",
        source: "base",
        // By night a map made for the day is a lamp in the face.
        paint: palette.isDark ? { "raster-brightness-max": 0.6, "raster-saturation": -0.4 } : {},
      },
    ],
  };
}

/**
 * Return the address of our tiles at the origin that the page came from: what the service calls
 * itself may be another, as behind the server for development.
 */
export function tilesAt(origin: string, tiles: Tiles): string[] {
  return tiles.tiles.map((address) => origin + address.slice(new URL(address).origin.length));
}

/** Return our sources by their names. */
export function oursSources(
  origin: string,
  tiles: Tiles,
): Readonly<Record<string, SourceSpecification>> {
  return {
    [placesSource]: {
      type: "vector",
      tiles: tilesAt(origin, tiles),
      minzoom: tiles.minzoom,
      maxzoom: tiles.maxzoom,
    },
  };
}

/** Return the source of where somebody is, which is nowhere at first. */
export function hereAt(): SourceSpecification {
  return { type: "geojson", data: { type: "FeatureCollection", features: [] } };
}

/** Return the source of marks; those that are close together are told of as one. */
export function marksAs(marks: readonly Mark[]): GeoJSONSourceSpecification {
  return {
    type: "geojson",
    data: featuresOf(marks),
    cluster: true,
    clusterRadius: markRadius,
    clusterMaxZoom: marksApartFrom,
    clusterProperties: {
      count: ["+", ["get", "count"]],
      weight: ["max", ["get", "weight"]],
      standing: ["max", ["get", "standing"]],
    },
  };
}

/** Return marks as GeoJSON. */
export function featuresOf(marks: readonly Mark[]): GeoJSON.FeatureCollection {
  return {
    type: "FeatureCollection",
    features: marks.map(({ at, ...properties }) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [...at] },
      properties,
    })),
  };
}

/** Return the layer of marks, each with a sign that says how many, how weighty and whose. */
export function markLayer(): LayerSpecification {
  const said = ["weight", "standing", "count"].flatMap((name) => [
    ":",
    ["to-string", ["get", name]],
  ]);
  return {
    id: marksSource,
    source: marksSource,
    type: "symbol",
    layout: {
      "icon-image": ["concat", signs.mark, ...said] as ExpressionSpecification,
      "icon-allow-overlap": true,
      // The weightiest is on top.
      "symbol-sort-key": ["get", "weight"],
    },
  };
}

/** Return the layers of what is watched, the lowest first. */
export function areaLayers(palette: Palette): LayerSpecification[] {
  const areas = { source: placesSource, "source-layer": "geofences", minzoom: areasFrom };
  return [
    {
      ...areas,
      id: areaLayer,
      type: "fill",
      paint: { "fill-color": palette.action, "fill-opacity": 0.18 },
    },
    {
      ...areas,
      id: `${ours}-edges`,
      type: "line",
      paint: { "line-color": palette.action, "line-width": 2, "line-dasharray": [3, 2] },
    },
  ];
}

/** Return the layers of places, the lowest first. */
export function placeLayers(): LayerSpecification[] {
  const places = { source: placesSource, "source-layer": "places" };
  return [
    {
      ...places,
      id: `${ours}-names`,
      type: "symbol",
      filter: ["==", ["get", "places"], 1],
      layout: {
        "icon-image": ["concat", signs.name, ["get", "name"]],
        "icon-anchor": "top",
        "icon-offset": [0, 2],
        "icon-padding": 0,
      },
    },
    {
      ...places,
      id: `${ours}-counts`,
      type: "symbol",
      filter: [">", ["get", "places"], 1],
      layout: {
        "icon-image": ["concat", signs.count, ["to-string", ["get", "places"]]],
        "icon-allow-overlap": true,
      },
    },
    {
      ...places,
      id: `${ours}-places`,
      type: "symbol",
      filter: ["==", ["get", "places"], 1],
      layout: {
        "icon-image": signs.place,
        "icon-anchor": "bottom",
        "icon-padding": 0,
        "icon-allow-overlap": true,
      },
    },
  ];
}

/** Return the layers of where somebody is. */
export function hereLayers(palette: Palette): LayerSpecification[] {
  return [
    {
      id: `${ours}-accuracy`,
      source: hereSource,
      type: "fill",
      filter: ["==", ["geometry-type"], "Polygon"],
      paint: {
        "fill-color": palette.here,
        "fill-opacity": 0.2,
        "fill-outline-color": palette.here,
      },
    },
    {
      id: `${ours}-me`,
      source: hereSource,
      type: "circle",
      filter: ["==", ["geometry-type"], "Point"],
      paint: {
        "circle-radius": 8,
        "circle-color": palette.here,
        "circle-stroke-width": 3,
        "circle-stroke-color": palette.ground,
      },
    },
  ];
}
