/** The map as it is drawn, by MapLibre: loaded only where it is wanted and can be drawn. */

import {
  Map as MapLibre,
  setWorkerUrl,
  type GeoJSONSource,
  type MapGeoJSONFeature,
  type PointLike,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import type { Position } from "../position.ts";
import { boxAround, circleAround, type Box } from "./boxes.ts";
import { drawSign } from "./signs.ts";
import {
  areaLayer,
  areaLayers,
  baseStyle,
  featuresOf,
  hereAt,
  hereLayers,
  hereSource,
  markLayer,
  marksAs,
  marksSource,
  oursSources,
  placeLayers,
  placesSource,
  pointLayers,
  type Mark,
  type Palette,
  type Tiles,
} from "./style.ts";

/** What was tapped: places or marks that lie there, or the place of an area that is watched. */
export interface Tapped {
  readonly is: "place" | "area" | "mark";
  readonly ids: readonly string[];
}

export interface Told {
  readonly tiles: Tiles;
  readonly box: Box;
  /** What the map is called for whoever does not see it. */
  readonly label: string;
  /** What is drawn in place of places; null draws these. */
  readonly marks: readonly Mark[] | null;
  /** Where somebody is, if that is known. */
  readonly here: Position | null;
  /** Called whenever the map has come to rest, with what it shows now. */
  readonly onRest: (box: Box, zoom: number) => void;
  /** Called with what was tapped; null where nothing is. */
  readonly onTap: (tapped: Tapped | null) => void;
  /** Called when everything is drawn, and when that is no longer so. */
  readonly onDrawn: (isDrawn: boolean) => void;
  /** Called when a part of it could not be loaded. */
  readonly onMissing: () => void;
}

const nearest = 17;
const nearestWithoutBase = 19;
/** How far from a finger something may be that it means, in pixels. */
const finger = 8;
const mostTapped = 5;
/** Room for what stands above its point and, at the right, for the buttons; in pixels. */
const padding = { top: 64, bottom: 48, left: 48, right: 76 };
/** How far round somebody is shown at least, in metres. */
const roundMeM = 500;

export class Drawing {
  readonly #map: MapLibre;
  readonly #told: Told;
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");
  readonly #restyle = (): void => {
    this.#told.onDrawn(false);
    this.#map.setStyle(baseStyle(this.#told.tiles.base_map, readPalette()), { diff: false });
  };
  #here: Position | null;
  #marks: readonly Mark[] | null;

  /** Draw into an element; throws where the browser cannot. */
  constructor(container: HTMLElement, told: Told) {
    this.#told = told;
    this.#here = told.here;
    this.#marks = told.marks;
    const { base_map: base } = told.tiles;
    // Workers keep to the policy their script came with, and browsers keep scripts for ever: another
    // base map has another policy, and so another address.
    setWorkerUrl(new URL(`${workerUrl}?${originOf(base?.url)}`, location.href).href);
    this.#map = new MapLibre({
      container,
      style: baseStyle(base, readPalette()),
      bounds: [...told.box],
      fitBoundsOptions: { padding, maxZoom: nearest },
      maxZoom: base?.max_zoom ?? nearestWithoutBase,
      locale: { "Map.Title": told.label },
      attributionControl: false,
      renderWorldCopies: false,
      // North is up and the ground is flat: fewer ways to get lost.
      dragRotate: false,
      touchPitch: false,
      maxPitch: 0,
      pitchWithRotate: false,
      fadeDuration: 0,
    });
    this.#map.touchZoomRotate.disableRotation();
    this.#map.keyboard.disableRotation();
    this.#map.setMissingStyleImageResolver((id) => {
      const sign = drawSign(id, readPalette(), devicePixelRatio);
      if (sign) {
        this.#map.addImage(id, sign, { pixelRatio: devicePixelRatio });
      }
    });
    this.#map.on("style.load", () => {
      this.#addOurs();
    });
    this.#map.on("load", this.#rest);
    this.#map.on("moveend", this.#rest);
    this.#map.on("movestart", () => {
      told.onDrawn(false);
    });
    this.#map.on("idle", () => {
      told.onDrawn(true);
    });
    // Without anyone to hear of it, it would be written to the console alone.
    this.#map.on("error", told.onMissing);
    this.#map.on("click", ({ point }) => {
      this.#tap(point.x, point.y);
    });
    this.#map.on("mousemove", ({ point }) => {
      const isOver = this.#at(point.x, point.y).length > 0;
      this.#map.getCanvas().style.cursor = isOver ? "pointer" : "";
    });
    this.#dark.addEventListener("change", this.#restyle);
  }

  /** Show a part of the earth; without flying there where people want less motion. */
  show(box: Box): void {
    this.#map.fitBounds([...box], { padding, maxZoom: nearest });
  }

  nearer(): void {
    this.#map.zoomIn();
  }

  further(): void {
    this.#map.zoomOut();
  }

  /** Call the map something else. */
  call(label: string): void {
    this.#map.getCanvas().setAttribute("aria-label", label);
  }

  /** Draw other marks in place of those there were. */
  mark(marks: readonly Mark[]): void {
    this.#marks = marks;
    void this.#map.getSource<GeoJSONSource>(marksSource)?.setData(featuresOf(marks));
  }

  /** Show where somebody is, and how sure that is. */
  showHere(position: Position): void {
    this.#here = position;
    this.#putHere();
    const { lon, lat, accuracy_m } = position;
    this.show(boxAround([lon, lat], Math.max(roundMeM, accuracy_m)));
  }

  remove(): void {
    this.#dark.removeEventListener("change", this.#restyle);
    this.#map.remove();
  }

  readonly #rest = (): void => {
    const bounds = this.#map.getBounds();
    const box: Box = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
    this.#told.onRest(box, this.#map.getZoom());
  };

  #addOurs(): void {
    const palette = readPalette();
    const [sources, layers] = this.#marks
      ? [{ [marksSource]: marksAs(this.#marks) }, [...hereLayers(palette), markLayer()]]
      : [
          oursSources(location.origin, this.#told.tiles),
          [...areaLayers(palette), ...hereLayers(palette), ...placeLayers()],
        ];
    for (const [name, source] of Object.entries({ ...sources, [hereSource]: hereAt() })) {
      this.#map.addSource(name, source);
    }
    for (const layer of layers) {
      this.#map.addLayer(layer);
    }
    this.#putHere();
  }

  #putHere(): void {
    const here = this.#here;
    const source = this.#map.getSource<GeoJSONSource>(hereSource);
    if (!here || !source) {
      return;
    }
    const ring = circleAround([here.lon, here.lat], here.accuracy_m);
    const shapes = [
      { type: "Polygon" as const, coordinates: [ring] },
      { type: "Point" as const, coordinates: [here.lon, here.lat] },
    ];
    void source.setData({
      type: "FeatureCollection",
      features: shapes.map((geometry) => ({ type: "Feature", geometry, properties: {} })),
    });
  }

  #at(x: number, y: number): MapGeoJSONFeature[] {
    const around: [PointLike, PointLike] = [
      [x - finger, y - finger],
      [x + finger, y + finger],
    ];
    if (this.#map.getSource(marksSource)) {
      return this.#map.queryRenderedFeatures(around, { layers: [marksSource] });
    }
    if (!this.#map.getSource(placesSource)) {
      return [];
    }
    const points = this.#map.queryRenderedFeatures(around, { layers: pointLayers });
    return points.length > 0
      ? points
      : this.#map.queryRenderedFeatures([x, y], { layers: [areaLayer] });
  }

  #tap(x: number, y: number): void {
    const found = this.#at(x, y);
    const many = found.find(
      ({ properties: { places, point_count } }) => Number(places ?? point_count) > 1,
    );
    if (many?.geometry.type === "Point") {
      const [lon = 0, lat = 0] = many.geometry.coordinates;
      this.#map.easeTo({ center: [lon, lat], zoom: this.#map.getZoom() + 2 });
      return;
    }
    const isArea = found[0]?.layer.id === areaLayer;
    const ids = found.map(({ properties }) => String(properties[isArea ? "place_id" : "id"]));
    const is = isArea ? "area" : this.#marks ? "mark" : "place";
    const tapped: Tapped = { is, ids: [...new Set(ids)].slice(0, mostTapped) };
    this.#told.onTap(ids.length > 0 ? tapped : null);
  }
}

function originOf(url: string | undefined): string {
  return url === undefined ? "" : new URL(url).host;
}

function readPalette(): Palette {
  const tokens = getComputedStyle(document.documentElement);
  const colour = (name: string): string => tokens.getPropertyValue(name).trim();
  return {
    isDark: matchMedia("(prefers-color-scheme: dark)").matches,
    ground: colour("--map-ground"),
    ink: colour("--ink"),
    action: colour("--action"),
    onAction: colour("--on-action"),
    here: colour("--map-here"),
    bad: colour("--bad"),
  };
}
