import { expect, test } from "vitest";
import { markOf } from "../map/signs.ts";
import type { Work } from "./changes.ts";
import { marksOf } from "./marks.ts";

const library = {
  place_id: "library",
  place_point: { type: "Point", coordinates: [-3.53, 50.72] },
  priority: "normal",
  state: "open",
  possible: ["claim"],
} as unknown as Work;
const hall: Work = { ...library, place_id: "hall" };

test("tasks of one place are one mark, as weighty as the weightiest and mine if one is", () => {
  const tasks: Work[] = [
    library,
    { ...library, priority: "urgent", state: "claimed", possible: [] },
    { ...hall, priority: "low", state: "claimed", possible: [] },
    { ...library, state: "in-progress", possible: ["extend"] },
  ];
  expect(marksOf(tasks)).toEqual([
    { id: "library", at: [-3.53, 50.72], count: 3, weight: 3, standing: 2 },
    { id: "hall", at: [-3.53, 50.72], count: 1, weight: 0, standing: 0 },
  ]);
});

test.each([
  [1, 1, "•"],
  [2, 1, "!"],
  [3, 1, "!!"],
  [0, 12, "12"],
  [3, 2, "2 !!"],
])("of weight %d and number %d the sign says %s", (weight, count, said) => {
  expect(markOf(weight, count)).toBe(said);
});
