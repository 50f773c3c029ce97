import { expect, test } from "vitest";
import { openSection } from "../languages/language.svelte.ts";
import { hrefOfListing, isToday, whenOf, type AnyListing } from "./listings.ts";
import { standingIn } from "./standing.ts";

Object.assign(globalThis, { document: { documentElement: {} } });
await openSection("listings");

const now = new Date("2026-03-04T12:00:00Z");
const zone = "Europe/London";

function offer(standing: object, told: object = {}): AnyListing {
  const usual = { on: true, on_until: null, next_on_at: null, left: null, yours_left: null };
  const starts_at = "2026-01-01T00:00:00Z";
  return {
    id: "1",
    kind: "offer",
    starts_at,
    ends_at: null,
    standing: { ...usual, ...standing },
    ...told,
  } as AnyListing;
}

function event(next: object | null, told: object = {}): AnyListing {
  const usual = { cancelled: false, cancelled_because: null, places_left: null, waiting: 0 };
  return {
    id: "2",
    kind: "event",
    time_zone: zone,
    sign_up: "open",
    yours: null,
    starts_at: "2026-03-04T18:00:00Z",
    next: next && { starts_at: "2026-03-04T18:00:00Z", ...usual, ...next },
    ...told,
  } as AnyListing;
}

test.each([
  [offer({}), null, true],
  [offer({ on_until: "2026-03-04T17:00:00Z" }), "Until 5pm", true],
  [offer({ on: false, next_on_at: "2026-03-04T17:00:00Z" }), "From 5pm", true],
  [offer({ on: false, next_on_at: "2026-03-05T09:00:00Z" }), "From 9am tomorrow", false],
  [event({}), "6pm", true],
  [event({ starts_at: "2026-03-05T00:30:00Z" }), "12:30am tomorrow", false],
  [event(null), null, true],
])("when it is on is said (%#)", (listing, said, today) => {
  expect(whenOf(listing, zone, now)).toBe(said);
  expect(isToday(listing, zone, now)).toBe(today);
});

test.each([
  [offer({ left: 0 }), "None left"],
  [offer({ left: 3, yours_left: 0 }), "You have used this"],
  [offer({ left: 1 }), "1 left"],
  [offer({}), null],
  [event({ cancelled: true }), "Cancelled"],
  [event({}, { yours: { state: "going", position: null } }), "You have a place"],
  [event({}, { yours: { state: "waiting", position: 2 } }), "You are number 2 in the queue"],
  [event({ places_left: 0, waiting: 1 }), "Full. 1 person is in the queue"],
  [event({ places_left: 2 }), "2 places left"],
  [event({}, { sign_up: "none" }), "Just come"],
  [event(null), null],
])("how somebody stands is said (%#)", (listing, said) => {
  expect(standingIn(listing)?.text ?? null).toBe(said);
});

test("each kind has its page", () => {
  expect(hrefOfListing({ kind: "offer", id: "1" })).toBe("/offers/1");
  expect(hrefOfListing({ kind: "event", id: "1" })).toBe("/events/1");
  expect(hrefOfListing({ kind: "task", id: "1" })).toBe("/tasks/1");
});
