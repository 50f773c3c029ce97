import { expect, test } from "vitest";
import { asQuery, boxAround, boxOf, circleAround } from "./boxes.ts";

test("a map that shows more than the world asks for the world", () => {
  expect(asQuery([-250, -86, 190.5, 91])).toBe("-180.000000,-86.000000,180.000000,90.000000");
});

test("a box has all points in it", () => {
  expect(boxOf([])).toBeNull();
  expect(
    boxOf([
      [-3.5, 50.7],
      [-3.4, 50.6],
    ]),
  ).toEqual([-3.5, 50.6, -3.4, 50.7]);
});

test("metres are more degrees of longitude far from the equator", () => {
  const [west, south, east, north] = boxAround([0, 60], 111_195);
  expect([north - south, east - west].map((side) => Math.round(side * 100) / 100)).toEqual([2, 4]);
});

test("a circle is closed and as wide as it is told to be", () => {
  const ring = circleAround([10, 0], 1_111.95);
  expect(ring.at(0)).toEqual(ring.at(-1));
  expect(Math.max(...ring.map(([lon]) => lon)) - 10).toBeCloseTo(0.01, 5);
});
