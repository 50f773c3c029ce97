import { describe, expect, test } from "vitest";
import { openSection } from "../languages/language.svelte.ts";
import { subjectOf } from "./about.ts";
import { folderOf, liesIn } from "./folders.ts";
import { momentsAt } from "./snoozes.ts";
import { checksOf, reasonsOf } from "./why.ts";

Object.assign(globalThis, { document: { documentElement: {} } });
await Promise.all([openSection("messages"), openSection("you")]);

describe("a message is put off until", () => {
  const said = (now: string): string[] =>
    momentsAt(new Date(now)).map(([name, until]) => `${name} ${until.toTimeString().slice(0, 5)}`);

  test("the evening, if it is not near", () => {
    expect(said("2026-03-04T10:30")).toEqual([
      "hour 11:30",
      "evening 18:00",
      "tomorrow 08:00",
      "monday 08:00",
    ]);
    expect(said("2026-03-04T17:30")).toEqual(["hour 18:30", "tomorrow 08:00", "monday 08:00"]);
  });

  test("next Monday, if that is not tomorrow, nor today", () => {
    expect(said("2026-03-08T22:00")).toEqual(["hour 23:00", "tomorrow 08:00"]);
    const [, until] = momentsAt(new Date("2026-03-02T22:00")).at(-1) ?? [];
    expect(until).toEqual(new Date("2026-03-09T08:00"));
  });
});

test.each([
  ["", "inbox"],
  ["?folder=archive", "archive"],
  ["?folder=all", "inbox"],
])("the address %s asks for %s", (search, folder) => {
  expect(folderOf(search)).toBe(folder);
});

test("a message that was put away lies there, until whenever it was put off", () => {
  const at = "2026-03-04T10:30:00Z";
  expect(liesIn({ archived_at: at, snoozed_until: at })).toBe("archive");
  expect(liesIn({ archived_at: null, snoozed_until: at })).toBe("snoozed");
  expect(liesIn({ archived_at: null, snoozed_until: null })).toBe("inbox");
});

test.each([
  [{ about: null, listing_id: null }, null],
  [{ about: { listing_kind: "task", place_id: "p", place: "x" }, listing_id: "t" }, "/tasks/t"],
  [{ about: { listing_kind: "offer", place_id: "p", place: "x" }, listing_id: "o" }, "/places/p"],
  [{ about: { listing_kind: null, place_id: "p", place: "x" }, listing_id: null }, "/places/p"],
] as const)("what %o is about is at %s", (message, href) => {
  expect(subjectOf(message)?.href ?? null).toBe(href);
});

describe("why a message came", () => {
  const why = {
    in_words: "…",
    what_happened: "checked-in",
    happened_at: "2026-03-04T10:30:00Z",
    place: "Exeter Library",
    sent_by: "Devon",
    purpose: "check-in-content",
    agreed_text: "…",
    agreed_at: "2026-03-01T10:30:00Z",
    interests: ["Story time"],
    held_back: [
      { gate: "quiet-hours", held_at: "2020-03-04T06:00:00Z", until: "2020-03-04T07:00:00Z" },
    ],
    how_to_stop: [],
  } as const;

  test("is said whole, from what happened to who sent it", () => {
    expect(reasonsOf({ kind: "campaign", why: why as never }, "Europe/London")).toEqual([
      "You checked in at Exeter Library.",
      "You had chosen to hear about “Story time”.",
      "It waited from 6am on 4 March to 7am on 4 March. You had quiet hours.",
      "On 1 March 2026 you said yes to “When I check in”.",
      "It comes from Devon.",
    ]);
  });

  test("is said where nothing was decided, and of a place that is no more", () => {
    expect(reasonsOf({ kind: "test", why: null }, "Europe/London")).toHaveLength(1);
    const gone = { ...why, place: null, interests: [], held_back: [], agreed_at: null };
    expect(reasonsOf({ kind: "campaign", why: gone as never }, "Europe/London")[0]).toBe(
      "You checked in at a place of ours.",
    );
  });

  test("has what was looked at, as far as there are words for it", () => {
    const decision = { gates_passed: ["purpose", "newer-than-us", "age"] } as never;
    expect(checksOf({ decision })).toHaveLength(2);
    expect(checksOf({ decision: null })).toEqual([]);
  });
});
