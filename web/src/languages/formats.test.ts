import { expect, test } from "vitest";
import { distance, moment } from "./formats.ts";

const now = new Date("2026-03-04T12:00:00Z"); // A Wednesday.

test.each([
  ["2026-03-04T17:30:00Z", "5:30pm"],
  ["2026-03-04T09:00:00Z", "9am"],
  ["2026-03-04T12:00:00Z", "midday"],
  ["2026-03-05T00:00:00Z", "midnight tomorrow"],
  ["2026-03-09T10:05:00Z", "10:05am on Monday"],
  ["2026-03-11T10:00:00Z", "10am on 11 March"],
  // After the clocks have gone forward.
  ["2026-04-03T08:00:00Z", "9am on 3 April"],
])("%s is %s in London", (instant, said) => {
  expect(moment(instant, "Europe/London", now)).toBe(said);
});

test("a day is the place's, not the phone's", () => {
  expect(moment("2026-03-04T23:30:00Z", "Europe/Paris", now)).toBe("12:30am tomorrow");
});

test.each([
  [0, "10 m"],
  [347, "350 m"],
  [996, "1 km"],
  [1849, "1.8 km"],
  [20_000, "20 km"],
])("%d metres are %s", (metres, said) => {
  expect(distance(metres)).toBe(said);
});
