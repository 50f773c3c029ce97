import { expect, test } from "vitest";
import { NoAnswer, Refusal } from "../api/failures.ts";
import type { Step } from "../tasks/changes.ts";
import {
  count,
  goesWhenRefused,
  isBy,
  isStale,
  leftToMember,
  nextAfter,
  nextOf,
  pauseOf,
  standingOf,
  withAllBehind,
  type Matter,
  type Waiting,
} from "./waiting.ts";

const sam = { device: "phone", member: "sam" };
const at = "2026-11-23T10:00:00Z";
const now = Date.parse(at);
const refused = { status: 409, problem: {} };

const step = (taskId: string, is: Step["is"]): Matter => ({
  is: "change",
  change: {
    id: `${taskId} ${is}`,
    taskId,
    at,
    step: { is, words: "", item: "", done: true },
  },
});
const photo = (taskId: string): Matter => ({ is: "photo", taskId, photo: new Blob(), at });
const checkIn: Matter = { is: "check-in", id: "1", target: { placeId: "1" }, position: null, at };

let order = 0;
function waiting(matter: Matter, told: Partial<Waiting> = {}): Waiting {
  order += 1;
  return { order, matter, about: null, by: sam, attempts: 0, notBefore: 0, refused: null, ...told };
}

test("what is about one task goes in its order, and one task does not hold up another", () => {
  const [a1, a2, b1] = [
    waiting(step("a", "start")),
    waiting(step("a", "done")),
    waiting(step("b", "start")),
  ];
  expect(nextOf([b1, a2, a1], sam, now)).toBe(a1);
  const later = { ...a1, notBefore: now + 1 };
  expect(nextOf([later, a2, b1], sam, now)).toBe(b1);
  expect(nextOf([later, a2], sam, now)).toBeNull();
  expect(nextOf([later, a2], sam, now + 1)).toBe(later);
});

test("a way goes in its order, and only from the phone that went it", () => {
  const pings = (): Waiting => waiting({ is: "pings", pings: [], at });
  const [first, second] = [pings(), pings()];
  expect(nextOf([second, first], sam, now)).toBe(first);
  expect(nextOf([{ ...first, notBefore: now + 1 }, second], sam, now)).toBeNull();
  expect(isBy(first, { device: "phone", member: null })).toBe(true);
  expect(isBy(first, { device: null, member: "sam" })).toBe(false);
  expect([first.matter, checkIn].map(goesWhenRefused)).toEqual([true, false]);
  const dayAfter = now + 24 * 3600 * 1000 + 1;
  expect([first, waiting(checkIn)].map((one) => isStale(one, dayAfter))).toEqual([true, false]);
  expect(isStale(first, now)).toBe(false);
});

test("what stands behind a refusal waits with it, but not behind a photo or a note", () => {
  const done = waiting(step("a", "done"), { order: 99 });
  const start = waiting(step("a", "start"), { refused });
  expect(nextOf([start, done], sam, now)).toBeNull();
  expect(standingOf(done, [start, done], sam)).toBe("behind");
  expect(withAllBehind([start, done], start)).toEqual([start, done]);
  for (const aside of [photo("a"), step("a", "note")]) {
    const one = waiting(aside, { refused });
    expect(nextOf([one, done], sam, now)).toBe(done);
    expect(standingOf(done, [one, done], sam)).toBe("waits");
    expect(withAllBehind([one, done], one)).toEqual([one]);
  }
});

test.each([
  [
    "a check-in by the same device, whoever is signed in",
    checkIn,
    sam,
    { device: "phone", member: null },
    true,
  ],
  ["a check-in by another device", checkIn, sam, { device: "tablet", member: "sam" }, false],
  [
    "a first check-in, by whoever becomes a device",
    checkIn,
    { device: null, member: null },
    sam,
    true,
  ],
  [
    "work by the same member on another device",
    step("a", "done"),
    sam,
    { device: "tablet", member: "sam" },
    true,
  ],
  [
    "work by a member who is signed out",
    step("a", "done"),
    sam,
    { device: "phone", member: null },
    false,
  ],
  [
    "work by another member on the same phone",
    step("a", "done"),
    sam,
    { device: "phone", member: "kim" },
    false,
  ],
  [
    "work of a work phone",
    step("a", "done"),
    { device: "phone", member: null },
    { device: "phone", member: null },
    true,
  ],
  [
    "work done after a session ended, before they signed in again",
    step("a", "done"),
    { device: "phone", member: null, signedInLast: "sam" },
    { device: null, member: "sam" },
    true,
  ],
  [
    "the same, with somebody else",
    step("a", "done"),
    { device: "phone", member: null, signedInLast: "sam" },
    { device: "phone", member: "kim" },
    false,
  ],
  [
    "work of a work phone, now with somebody",
    step("a", "done"),
    { device: "phone", member: null },
    sam,
    false,
  ],
])("%s", (_, matter, by, who, is) => {
  const one = waiting(matter, { by });
  expect(isBy(one, who)).toBe(is);
  expect(nextOf([one], who, now)).toBe(is ? one : null);
  expect(count([one], who)).toEqual({ waiting: is ? 1 : 0, refused: 0, others: is ? 0 : 1 });
});

test.each([
  ["no signal", new NoAnswer("offline"), { is: "wait", notBefore: 0, isOver: true }],
  [
    "a session that ended",
    new Refusal(401, { type: "/problems/unauthenticated" }),
    { is: "wait", notBefore: 0, isOver: true },
  ],
  [
    "the cookies of somebody else",
    new Refusal(403, { type: "/problems/csrf" }),
    { is: "wait", notBefore: 0, isOver: true },
  ],
  [
    "too many requests",
    new Refusal(429, {}, 120),
    { is: "wait", notBefore: now + 120_000, isOver: true },
  ],
  [
    "a service that is away",
    new Refusal(503, {}, 1),
    { is: "wait", notBefore: now + 10_000, isOver: true },
  ],
  ["a conflict", new Refusal(409), { is: "refused" }],
  ["what is not there any more", new Refusal(404), { is: "refused" }],
  ["what it cannot read", new Refusal(422), { is: "refused" }],
  [
    "what somebody may not do",
    new Refusal(403, { type: "/problems/forbidden" }),
    { is: "refused" },
  ],
])("after %s", (_, failure, next) => {
  expect(nextAfter(failure, 1, now)).toEqual(next);
});

test("what a session's end left to nobody waits for whoever was signed in", () => {
  const by = { device: "phone", member: null, signedInLast: "sam" };
  const nobody = { device: "phone", member: null };
  const [first, second] = [waiting(step("a", "start"), { by }), waiting(step("a", "done"), { by })];
  for (const code of ["unauthenticated", "forbidden"]) {
    const failure = new Refusal(403, { type: `/problems/${code}` });
    const left = leftToMember(first, nobody, failure);
    expect(left?.by.member).toBe("sam");
    const all = left ? [left, second] : [];
    expect(nextOf(all, nobody, now)).toBeNull();
    expect(count(all, nobody)).toEqual({ waiting: 0, refused: 0, others: 2 });
    expect(nextOf(all, sam, now)).toBe(left);
    expect(leftToMember(first, sam, failure)).toBeNull();
    expect(leftToMember(waiting(checkIn, { by }), nobody, failure)).toBeNull();
    expect(leftToMember({ ...first, by: nobody }, nobody, failure)).toBeNull();
  }
  expect(leftToMember(first, nobody, new NoAnswer("offline"))).toBeNull();
});

test("a clock that was set back holds nothing up", () => {
  const refusal = new Refusal(429, {}, 24 * 3600);
  const { notBefore } = nextAfter(refusal, 1, now) as { notBefore: number };
  const one = waiting(step("a", "start"), { notBefore });
  expect(nextOf([one], sam, now)).toBeNull();
  expect(nextOf([one], sam, notBefore)).toBe(one);
  expect(nextOf([one], sam, now - 1)).toBe(one);
});

test("pauses grow, and no longer than ten minutes", () => {
  expect([0, 1, 2, 50].map(pauseOf)).toEqual([5_000, 10_000, 20_000, 600_000]);
});
