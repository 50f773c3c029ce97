import { describe, expect, test, vi } from "vitest";
import { openSection } from "../languages/language.svelte.ts";
import { clockOf, secondsLeft, ShownCode } from "./code.svelte.ts";
import { hindranceOf, limitOf, timesOf, type Offer } from "./offer.ts";
import { begunAnew, idFor } from "./once.ts";

Object.assign(globalThis, { document: { documentElement: {}, hidden: false } });
await openSection("listings");

const place = { id: "p", name: "Exeter Library", time_zone: "Europe/London" };
const now = new Date("2026-03-04T12:00:00Z");

test.each([
  [600, 0, "10:00"],
  [600, 400, "10:00"],
  [600, 1000, "9:59"],
  [65.2, 0, "1:06"],
  [3, 5000, "0:00"],
])("of %d seconds %d ms later %s are left", (seconds_left, passed, said) => {
  expect(clockOf(secondsLeft({ seconds_left }, passed))).toBe(said);
});

test.each([
  ["offer-locked", null, "To unlock this, check in with your location on."],
  ["offer-not-on", "2026-03-05T10:00:00Z", "It is not on just now. Try again from 10am tomorrow."],
  ["offer-used-up", null, "None are left just now."],
  ["something-new", null, "It cannot be used just now."],
])("%s is said in words", (code, at, said) => {
  expect(hindranceOf({ evidence_needed: "near", place }, code, at, now)).toBe(said);
});

test("limits and times are said by the place's clocks", () => {
  const limits = { per_person: 2, per_person_renews: "weekly" } as Offer;
  expect(limitOf(limits)).toBe("You can use it 2 times a week.");
  expect(limitOf({ ...limits, per_person: null })).toBe("You can use it as often as you like.");
  const spans = [
    { starts_at: "2026-07-01T08:00:00Z", ends_at: "2026-07-01T10:30:00Z" },
    { starts_at: "2026-07-02T20:00:00Z", ends_at: "2026-07-03T00:00:00Z" },
    { starts_at: "2020-01-01T00:00:00Z", ends_at: null },
  ];
  expect(timesOf({ spans, place })).toEqual([
    "1 July 2026, 9am to 11:30am",
    "2 July 2026, 9pm to 3 July 2026, 1am",
    "All the time",
  ]);
});

describe("the id to redeem with", () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  } as unknown as Storage;

  test("is one for all tabs until it is done", () => {
    const first = idFor("one", storage);
    expect(idFor("one", storage)).toBe(first);
    expect(idFor("two", storage)).not.toBe(first);
    begunAnew("one", storage);
    expect(idFor("one", storage)).not.toBe(first);
  });

  test("is there without anywhere to keep it", () => {
    const full = {
      getItem: () => null,
      setItem: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
    } as unknown as Storage;
    expect(idFor("one", full)).toMatch(/^[\da-f-]{36}$/);
    expect(idFor("one", null)).toMatch(/^[\da-f-]{36}$/);
  });
});

describe("a code that is shown", () => {
  const code = { id: "r", seconds_left: 60 } as ConstructorParameters<typeof ShownCode>[0];
  const offer = (yours: Partial<NonNullable<Offer["yours"]>> | null): Offer => ({ yours }) as Offer;

  test("tells that staff have taken it, and asks no more", async () => {
    vi.useFakeTimers();
    const read = vi.fn().mockResolvedValue(offer({ id: "r", redeemed_at: null }));
    const changed = vi.fn();
    new ShownCode(code, read, changed);
    await vi.advanceTimersByTimeAsync(7000);
    expect(changed).not.toHaveBeenCalled();
    const taken = offer({ id: "r", redeemed_at: "2026-03-04T12:00:00Z" });
    read.mockResolvedValue(taken);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(changed.mock.calls).toEqual([[taken]]);
    vi.useRealTimers();
  });

  test("counts on as before when somebody sets the phone's clock", async () => {
    vi.useFakeTimers();
    const changed = vi.fn();
    const read = (): Promise<Offer> => Promise.resolve(offer({ id: "r", redeemed_at: null }));
    const shown = new ShownCode(code, read, changed);
    for (const hours of [1, -2]) {
      vi.setSystemTime(Date.now() + hours * 3_600_000);
      await vi.advanceTimersByTimeAsync(5000);
    }
    expect(shown.left).toBe(50);
    expect(changed).not.toHaveBeenCalled();
    shown.stop();
    vi.useRealTimers();
  });

  test("is over once the service says so, whatever the phone has counted", async () => {
    vi.useFakeTimers();
    const changed = vi.fn();
    new ShownCode(code, () => Promise.resolve(offer(null)), changed);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(changed.mock.calls).toEqual([[offer(null)]]);
    vi.useRealTimers();
  });

  test("is over when its time is, also while the phone was in a pocket", async () => {
    vi.useFakeTimers();
    const over = offer(null);
    const changed = vi.fn();
    const shown = new ShownCode(code, () => Promise.resolve(over), changed);
    Object.assign(document, { hidden: true });
    await vi.advanceTimersByTimeAsync(61_000);
    expect(shown.left).toBe(0);
    expect(changed.mock.calls).toEqual([[over]]);
    Object.assign(document, { hidden: false });
    vi.useRealTimers();
  });
});
