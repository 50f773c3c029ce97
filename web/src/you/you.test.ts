import { describe, expect, test } from "vitest";
import { openSection } from "../languages/language.svelte.ts";
import { durationOf } from "./durations.ts";
import { faultsOf, readPreferences, zonesWith } from "./preferences.ts";
import { standingOf } from "./standing.ts";
import { offersOf } from "./topics.ts";
import { saidOf, titleOf } from "./values.ts";

Object.assign(globalThis, { document: { documentElement: {} } });
await openSection("you");

const consent = {
  purpose: "nearby",
  text: "…",
  texts: { "en-GB": "…" },
  text_version: "2",
  agreed_version: null,
  given_at: null,
  withdrawn_at: null,
} as const;

test.each([
  [{}, "asked"],
  [{ agreed_version: "2", given_at: "2026-01-01T00:00:00Z" }, "agreed"],
  [{ agreed_version: "1", given_at: "2026-01-01T00:00:00Z" }, "older"],
  [{ withdrawn_at: "2026-01-01T00:00:00Z" }, "stopped"],
])("%o is %s", (told, is) => {
  expect(standingOf({ ...consent, ...told }).is).toBe(is);
});

describe("quiet hours", () => {
  const none = { time_zone: "Asia/Kathmandu", quiet_from: null, quiet_until: null, language: null };

  test("are those of before, else some to begin with", () => {
    expect(readPreferences(none)).toMatchObject({ isQuiet: false, from: "22:00", until: "07:00" });
    const some = { ...none, quiet_from: "23:15:00", quiet_until: "06:00:00" };
    expect(readPreferences(some)).toMatchObject({ isQuiet: true, from: "23:15", until: "06:00" });
  });

  test("have a beginning and another end, if there are any", () => {
    const form = readPreferences({ ...none, quiet_from: "22:00:00", quiet_until: "07:00:00" });
    expect(faultsOf(form)).toEqual({});
    expect(faultsOf({ ...form, from: "" })).toEqual({ from: "timeMissing" });
    expect(faultsOf({ ...form, until: "22:00" })).toEqual({ until: "timesSame" });
    expect(faultsOf({ ...form, from: "", isQuiet: false })).toEqual({});
  });

  test("go by a zone that is always among those to choose from", () => {
    const values = zonesWith("Antarctica/Nowhere_Yet").map(({ label }) => label);
    expect(values).toContain("Antarctica/Nowhere Yet");
    expect(values).toContain("Europe/London");
  });
});

test("topics that are called the same are ticked together, each in a language people read", () => {
  const topics = [
    { organisation_id: "a", key: "tales", names: { "en-GB": "Story time", cy: "Amser stori" } },
    {
      organisation_id: "b",
      key: "stories",
      names: { "en-GB": "Story time", "cy-GB": "Amser stori" },
    },
    { organisation_id: "b", key: "art", names: { "en-GB": "Art" } },
  ];
  expect(offersOf(topics, "cy-GB")).toEqual([
    { name: "Amser stori", lang: undefined, words: ["a tales", "b stories"] },
    { name: "Art", lang: "en-GB", words: ["b art"] },
  ]);
});

test.each([
  ["P30D", "30 days"],
  ["P1D", "1 day"],
  ["PT1H30M", "1 hour 30 minutes"],
  ["PT0S", "PT0S"],
])("%s is %s", (duration, said) => {
  expect(durationOf(duration)).toBe(said);
});

test.each([
  ["2026-07-01T08:05:00Z", "1 July 2026, 9:05am"],
  [true, "yes"],
  [7.5, "7.5"],
  [["near", "inside"], "near, inside"],
  [{ lon: -3.5, lat: 50.7 }, "lon -3.5, lat 50.7"],
  [null, ""],
])("what is held as %o is said as %s", (value, said) => {
  expect(saidOf(value, "Europe/London")).toBe(said);
});

test("a kind that is newer than our words is called what the service calls it", () => {
  expect(titleOf({ kind: "visits", title: "…" }).text).toBe("Places you were at");
  expect(titleOf({ kind: "dreams", title: "Your dreams" }).text).toBe("Your dreams");
});
