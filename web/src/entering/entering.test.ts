import { expect, test } from "vitest";
import { letterOf } from "./letters.ts";
import { nextOf, signInFrom } from "./next.ts";

const origin = "https://council.example";
const next = (told: string): string | null =>
  nextOf({ origin, search: `?next=${encodeURIComponent(told)}` });

test.each([
  ["/tasks/1?a=b#c", "/tasks/1?a=b#c"],
  ["/notifications", "/notifications"],
  [`${origin}/map`, "/map"],
  ["tasks", "/tasks"],
  ["https://evil.example/", null],
  ["//evil.example/", null],
  ["/\\evil.example", null],
  ["/.//evil.example/", null],
  ["javascript:alert(1)", null],
  ["https://council.example.evil.example/", null],
  ["https://council.example@evil.example/", null],
  ["http://council.example/", null],
  ["/sign-in?next=/", null],
  ["http://[", null],
])("whoever signs in goes on from %s to %s", (told, address) => {
  expect(next(told)).toBe(address);
});

test("without an address there is nowhere to go on to", () => {
  expect(nextOf({ origin, search: "" })).toBeNull();
});

test("the page to sign in on leads back to where somebody was, and no further", () => {
  const href = signInFrom({ pathname: "/tasks/1", search: "?a=b", hash: "#c" });
  expect(nextOf({ origin, search: href.slice(href.indexOf("?")) })).toBe("/tasks/1?a=b#c");
});

test.each([
  ["", "nothing", ""],
  ["#AbC-_9", "confirm", "AbC-_9"],
  ["#stop=AbC.9%2B", "stop", "AbC.9+"],
  ["#stop=%", "stop", "%"],
])("a letter's link with %s asks for %s", (hash, asks, token) => {
  expect(letterOf(hash)).toEqual({ asks, token });
});
