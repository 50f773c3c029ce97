/** What the map is made of, as MapLibre's style specification has it. */

import type { LayerSpecification, SourceSpecification, StyleSpecification } from "maplibre-gl";
import type { Schemas } from "../api/client.ts";
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
}

const ours = "geoservices";
/** Layers of ours that can be tapped. */
export const pointLayers = [`${ours}-places`, `${ours}-counts`];
export const areaLayer = `${ours}-areas`;
export const hereSource = `${ours}-here`;
export const placesSource = ours;
/** What the names of our pictures begin with; the rest says what is on them. */
export const signs = {
  place: "geoservices:place",
  count: "geoservices:count:",
  name: "geoservices:name:",
};

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
    [hereSource]: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
  };
}

/** Return our layers, the lowest first. */
export function ourLayers(palette: Palette): LayerSpecification[] {
  const areas = { source: placesSource, "source-layer": "geofences", minzoom: areasFrom };
  const places = { source: placesSource, "source-layer": "places" };
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
