import { expect, test } from "vitest";
import { linesOf } from "./signs.ts";
import { baseStyle, tilesAt, type BaseMap, type Palette, type Tiles } from "./style.ts";

const palette: Palette = {
  isDark: false,
  ground: "#eee",
  ink: "#111",
  action: "#050",
  onAction: "#fff",
  here: "#a40",
  bad: "#a00",
};
const base: BaseMap = {
  kind: "raster",
  url: "https://maps.devon.example/{z}/{x}/{y}.png",
  attribution: "© Devon",
  attribution_url: null,
  max_zoom: 17,
};

test("a base map is a style of its own, or pictures on our ground, dimmer by night", () => {
  expect(baseStyle({ ...base, kind: "style", url: "https://devon.example/s" }, palette)).toBe(
    "https://devon.example/s",
  );
  expect(baseStyle(base, palette)).toMatchObject({
    sources: { base: { type: "raster", tiles: [base.url], maxzoom: 17 } },
    layers: [{ id: "ground" }, { id: "base", paint: {} }],
  });
  const night = baseStyle(base, { ...palette, isDark: true });
  expect(JSON.stringify(night)).toContain("raster-brightness-max");
  expect(baseStyle(null, palette)).toMatchObject({ sources: {}, layers: [{ id: "ground" }] });
});

test("tiles are asked of where the page came from", () => {
  const tiles = { tiles: ["http://127.0.0.1:8080/v1/tiles/1-2/{z}/{x}/{y}"] } as Tiles;
  expect(tilesAt("https://here.example", tiles)).toEqual([
    "https://here.example/v1/tiles/1-2/{z}/{x}/{y}",
  ]);
});

test.each([
  ["Exeter Library", ["Exeter Library"]],
  ["Exeter Central Library and Archive", ["Exeter Central", "Library and Archive"]],
  [
    "Llanfairpwllgwyngyllgogerychwyrndrobwll Hall",
    ["Llanfairpwllgwyngyllgogerychwyrndrobwll", "Hall"],
  ],
  ["One of the very long names that nobody reads on any map", 3],
])("the name %s breaks at its spaces", (name, lines) => {
  const broken = linesOf(name);
  expect(typeof lines === "number" ? broken.length : broken).toEqual(lines);
});
