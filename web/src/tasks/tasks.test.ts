import { expect, test } from "vitest";
import { Refusal } from "../api/failures.ts";
import { openSection } from "../languages/language.svelte.ts";
import { changeOf, type Work } from "./changes.ts";
import { faultsOf, formOf, readHours, writeHours } from "./hours.ts";
import { dueOf, reasonOf, standingOf } from "./words.ts";

// Which language the page is in is written there.
Object.assign(globalThis, { document: { documentElement: {} } });
const now = new Date("2026-03-04T12:00:00Z");
const task = {
  state: "claimed",
  due_at: "2026-03-04T15:00:00Z",
  time_zone: "Europe/London",
  overdue: false,
  possible: ["extend"],
} as unknown as Work;

test("when a task is due, and who has it, is said in words", async () => {
  await openSection("tasks");
  expect(dueOf(task, now)).toBe("Due today at 3pm");
  expect(dueOf({ ...task, due_at: "2026-03-05T09:30:00Z" }, now)).toBe("Due 9:30am tomorrow");
  const late = { ...task, overdue: true, due_at: "2026-03-03T09:30:00Z" };
  expect(dueOf(late, now)).toBe("Overdue since 9:30am on 3 March");
  expect(dueOf({ ...late, due_at: "2026-03-04T09:00:00Z" }, now)).toBe("Overdue since 9am today");
  expect(dueOf({ ...late, state: "done" }, now)).toBeNull();
  expect(standingOf(task)).toBe("You have it");
  expect(standingOf({ ...task, possible: ["note"] })).toBe("Somebody else has it");
});

test.each([
  ["task-step-refused", "in-progress", "conflict.taken"],
  ["task-step-refused", "done", "conflict.done"],
  ["task-step-refused", "open", "conflict.lapsed"],
  ["task-step-not-yours", "claimed", "conflict.taken"],
  ["task-step-not-yours", "open", "conflict.others"],
  ["task-evidence-lacking", undefined, "conflict.evidence"],
  ["too-many-requests", undefined, null],
])("%s of a task that is %s is told as %s", (code, state, key) => {
  const problem = { type: `https://here.example/problems/${code}`, state };
  expect(reasonOf(new Refusal(409, problem as Refusal["problem"]))).toBe(key);
});

test("each change has an id and the phone's time, and keeps both when it is sent again", () => {
  const one = changeOf("t", { is: "start" }, now);
  expect(one.at).toBe("2026-03-04T12:00:00.000Z");
  expect(one.id).not.toBe(changeOf("t", { is: "start" }, now).id);
});

test.each([
  "Mo-Fr 09:00-17:00",
  "Mo-We,Fr 22:00-06:00",
  "Su 09:00-12:30",
  "Mo,We,Fr-Su 08:00-09:00",
])("the hours %s are read and written as they were", (text) => {
  const hours = readHours(text);
  expect(hours && writeHours(hours)).toBe(text);
});

test("hours are faulty without days, without times, and where they end when they begin", () => {
  const form = formOf(null);
  expect(faultsOf(form)).toEqual({});
  expect(faultsOf({ ...form, on: [], until: form.from })).toEqual({
    days: "hours.noDays",
    until: "hours.same",
  });
  expect(faultsOf({ ...form, from: "", until: "" })).toEqual({
    from: "hours.noFrom",
    until: "hours.noUntil",
  });
});

test.each(["24/7", "Mo 09:00-12:00,13:00-17:00", "Fr-Mo 09:00-17:00", "Xx 09:00-17:00", ""])(
  "the hours %s say more than days with the same times",
  (text) => {
    expect(readHours(text)).toBeNull();
  },
);
