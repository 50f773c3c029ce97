import { expect, test } from "vitest";
import { addressOf, messageOf, unreadable } from "./message.ts";

test("what a push says is shown, and nothing else of it", () => {
  const notification = {
    title: "Story time",
    body: "At eleven.",
    tag: "a",
    navigate: "/notifications/1",
    data: { receipt: "token" },
    requireInteraction: true,
  };
  expect(messageOf(JSON.stringify({ web_push: 8030, notification }))).toEqual({
    title: "Story time",
    body: "At eleven.",
    tag: "a",
    navigate: "/notifications/1",
    receipt: "token",
  });
});

test.each(["", "null", "[]", "{", '{"notification": {"title": ""}}', '{"notification": null}'])(
  "something is shown of %j too",
  (text) => {
    expect(messageOf(text)).toBe(unreadable);
  },
);

test.each([
  ["/notifications/1", "https://here.example/notifications/1"],
  ["https://here.example/tasks/1", "https://here.example/tasks/1"],
  ["https://elsewhere.example/", "https://here.example/notifications"],
  ["javascript:alert(1)", "https://here.example/notifications"],
  ["https://", "https://here.example/notifications"],
  [undefined, "https://here.example/notifications"],
])("%s leads to %s", (navigate, address) => {
  expect(addressOf(navigate, "https://here.example")).toBe(address);
});
