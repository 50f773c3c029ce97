import { expect, test } from "vitest";
import { NoAnswer, Refusal } from "../api/failures.ts";
import { boxAround } from "../map/boxes.ts";
import { meaningOf, troubleIn } from "./sender.svelte.ts";
import {
  beatMs,
  fixOf,
  isDue,
  isNews,
  keptOf,
  looksClosely,
  mostUnsent,
  pingOf,
  withPing,
  type Fix,
  type Kept,
  type Ping,
} from "./thinning.ts";

const noon = Date.parse("2026-03-04T12:00:00Z");
const start: Fix = { lon: -3.53, lat: 50.72, accuracy_m: 8, at: noon };

/** Where somebody is after so many seconds and metres to the east. */
function after(seconds: number, metres: number, accuracy_m = 8): Fix {
  const [, , lon] = boxAround([start.lon, start.lat], metres);
  return { lon, lat: start.lat, accuracy_m, at: noon + seconds * 1_000 };
}

test.each([
  ["the first", null, start, true],
  ["a step to the side", start, after(10, 12), false],
  ["a walk down the street", start, after(15, 20), true],
  ["a jump within two large circles", start, after(20, 60, 55), false],
  ["the same place seen much better", after(0, 0, 60), after(10, 5, 20), true],
  ["the same place after a while", start, after(beatMs / 1_000, 0), true],
  ["a walk told too soon", start, after(3, 20), false],
  ["a drive", start, after(3, 120), true],
  ["a guess by the network", start, after(60, 0, 3_000), false],
  ["what was found before", start, after(-1, 500), false],
  ["what was found by a clock set back", start, after(-3_600, 0), true],
])("%s is news or not", (_, last, fix, isIt) => {
  expect(isNews(last && keptOf(null, last), fix)).toBe(isIt);
});

test.each([
  ["the first", null, start, false],
  ["a drive", start, after(3, 120), false],
  ["where nobody gets so soon", start, after(1, 120), true],
  ["what two large circles explain", start, after(1, 120, 50), false],
  ["a long way by a clock set back", after(1, 120), start, true],
])("%s is to be confirmed soon or not", (_, before, fix, isIt) => {
  const kept = keptOf(before, fix);
  expect(kept.enoughForMs < beatMs).toBe(isIt);
  expect(isNews(kept, { ...fix, at: fix.at + 6_000 })).toBe(isIt);
  expect(isNews(kept, { ...fix, at: fix.at + 2_000 })).toBe(false);
});

test("an hour of sitting still is a position each beat, and of walking a few a minute", () => {
  const kept = (fixes: readonly Fix[]): number =>
    fixes.reduce<Kept[]>((had, fix) => {
      const last = had.at(-1) ?? null;
      return isNews(last, fix) ? [...had, keptOf(last, fix)] : had;
    }, []).length;
  const hour = Array.from({ length: 3_600 }, (_, second) => second);
  expect(kept(hour.map((second) => after(second, second % 7)))).toBe(3_600_000 / beatMs);
  const walking = kept(hour.map((second) => after(second, second * 1.4)));
  expect(walking).toBeGreaterThan(250);
  expect(walking).toBeLessThan(320);
});

test("the phone's own time counts unless it cannot be", () => {
  const found = (timestamp: number): GeolocationPosition =>
    ({
      coords: { longitude: 1, latitude: 2, accuracy: 3 },
      timestamp,
    }) as GeolocationPosition;
  expect(fixOf(found(noon - 900), noon).at).toBe(noon - 900);
  expect(fixOf(found(noon + 900), noon).at).toBe(noon);
  expect(fixOf(found(0), noon).at).toBe(noon);
  expect(pingOf(fixOf(found(noon), noon), "an-id")).toEqual({
    id: "an-id",
    recorded_at: "2026-03-04T12:00:00.000Z",
    lon: 1,
    lat: 2,
    accuracy_m: 3,
  });
});

test("what waits is sent after a while, or once it is several", () => {
  const ping = pingOf(start, "1");
  expect(isDue([], noon)).toBe(false);
  expect(isDue([ping], noon + 5_000)).toBe(false);
  expect(isDue([ping], noon + 10_000)).toBe(true);
  expect(isDue(Array<Ping>(5).fill(ping), noon)).toBe(true);
});

test("of too much that waits the oldest goes", () => {
  const pings = Array.from({ length: mostUnsent + 2 }, (_, index) => pingOf(start, `${index}`));
  const kept = pings.reduce<readonly Ping[]>(withPing, []);
  expect([kept.length, kept.at(0)?.id, kept.at(-1)?.id]).toEqual([
    mostUnsent,
    "2",
    `${mostUnsent + 1}`,
  ]);
});

test("whoever has been still for minutes is looked at less closely", () => {
  expect([looksClosely(null, noon), looksClosely(noon, noon + 60_000)]).toEqual([true, true]);
  expect(looksClosely(noon, noon + 200_000)).toBe(false);
});

const refusal = (status: number, code: string): Refusal =>
  new Refusal(status, { type: `https://here.example/problems/${code}` });

test.each([
  [new NoAnswer("offline"), { is: "later", trouble: "unreachable" }],
  [refusal(429, "too-many-requests"), { is: "later", trouble: "unreachable" }],
  [refusal(503, ""), { is: "later", trouble: "unreachable" }],
  [refusal(403, "consent-missing"), { is: "over", ending: "withdrawn" }],
  [refusal(401, "unauthenticated"), { is: "over", ending: "unknown" }],
  [refusal(422, "invalid-request"), { is: "lost", trouble: "refused" }],
])("%s has its meaning", (failure, meaning) => {
  expect(meaningOf(failure)).toEqual(meaning);
});

test.each([
  ["recorded-in-the-future", "clock"],
  ["recorded-too-long-ago", "clock"],
  ["outside-working-hours", "hours"],
  ["position-looks-swapped", "refused"],
])("%s is told as trouble with the %s", (code, trouble) => {
  const pings = [{ index: 0, id: null, verdict: "refused", faults: [{ code }] }];
  expect(troubleIn({ pings, transitions: [] } as never)).toBe(trouble);
});
