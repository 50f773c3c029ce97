import { expect, test } from "vitest";
import { changesWho, keyOf, keysChangedBy } from "./answers.ts";

const at = (path: string): URL => new URL(path, "https://here.example");
const place = "0b8f6c0a-3f0c-4f4e-9a55-4b8d5a4f8c11";

test.each([
  ["/v1/places?near=-3.5,50.7&radius_m=20000&limit=20", "/v1/places?limit=20&near=&radius_m=20000"],
  ["/v1/places?limit=20&radius_m=20000&near=-3.4,50.6", "/v1/places?limit=20&near=&radius_m=20000"],
  ["/v1/places?q=exeter&limit=20", "/v1/places?limit=20&q=exeter"],
  ["/v1/places?q=exeter&cursor=abc", null],
  ["/v1/places?bbox=1,2,3,4", null],
  [`/v1/places/${place}`, `/v1/places/${place}`],
  [`/v1/places/${place}/listings`, `/v1/places/${place}/listings`],
  [`/v1/tasks/${place}`, `/v1/tasks/${place}`],
  [`/v1/offers/${place}`, `/v1/offers/${place}`],
  [`/v1/offers/${place}/codes`, null],
  [`/v1/events/${place}/occurrences?limit=6`, `/v1/events/${place}/occurrences`],
  [`/v1/events/${place}/occurrences?limit=6&since=2026-11-23T10:00:00Z`, null],
  ["/v1/tasks?mine=true&unfinished=true", "/v1/tasks?mine=true&unfinished=true"],
  ["/v1/notifications?folder=inbox", "/v1/notifications?folder=inbox"],
  ["/v1/session", null],
  ["/v1/me/data", null],
  ["/v1/consents", null],
])("%s is kept as %s, without where somebody stood", (path, key) => {
  expect(keyOf(at(path))).toBe(key);
});

test.each([
  ["POST", "/v1/sign-in", true],
  ["DELETE", "/v1/sign-in", true],
  ["POST", "/v1/devices", true],
  ["POST", "/v1/devices/me/token", true],
  ["DELETE", "/v1/devices/me", true],
  ["DELETE", `/v1/devices/${place}`, true],
  ["DELETE", "/v1/me", true],
  ["GET", "/v1/oidc/city/callback?code=1", true],
  ["GET", "/v1/devices", false],
  ["PATCH", "/v1/devices/me", false],
  ["POST", "/v1/devices/me/phone-links", false],
  ["DELETE", `/v1/devices/me/phone-links/${place}`, false],
  ["POST", "/v1/devices/me/code", false],
  ["PUT", "/v1/me/interests", false],
  ["POST", "/v1/check-ins", false],
])("%s %s may change who somebody is: %s", (method, path, changes) => {
  expect(changesWho(method, at(path))).toBe(changes);
});

test.each([
  ["POST", `/v1/offers/${place}/redemptions`, `/v1/offers/${place}`],
  ["POST", `/v1/events/${place}/sign-ups`, `/v1/events/${place}`],
  ["DELETE", `/v1/events/${place}/sign-ups/${place}`, `/v1/events/${place}`],
])("after %s %s nothing is shown from before", (method, path, changed) => {
  const times = keyOf(at(`${changed}/occurrences?limit=6`)) ?? "";
  const keys = keysChangedBy(method, at(path));
  expect(keys).toContain(keyOf(at(changed)));
  expect(changed.includes("events") ? keys : [times]).toContain(times);
});

test("reading an offer, or checking in, changes none", () => {
  expect(keysChangedBy("GET", at(`/v1/offers/${place}/redemptions`))).toEqual([]);
  expect(keysChangedBy("POST", at("/v1/check-ins"))).toEqual([]);
});
