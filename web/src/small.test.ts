import { expect, test, vi } from "vitest";
import { checkInByLink, linkOfCode } from "./checkin/codes.ts";
import { newId } from "./ids.ts";
import { findPosition, type Hindrance } from "./position.ts";
import { webAddress } from "./places/websites.ts";

test("an id is one of version 4, and another one each time", () => {
  const ids = Array.from({ length: 100 }, newId);
  expect(new Set(ids).size).toBe(100);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test.each<[number, Hindrance]>([
  [1, "denied"],
  [2, "unavailable"],
  [3, "tooSlow"],
  [9, "unavailable"],
])("a browser's error %d is %s", async (code, hindrance) => {
  const geolocation = {
    getCurrentPosition: (_: unknown, failed: (error: { code: number }) => void) => {
      failed({ code });
    },
  } as unknown as Geolocation;
  await expect(findPosition(geolocation)).rejects.toMatchObject({ hindrance });
});

test("a question that nobody answers is waited for no longer than 20 seconds", async () => {
  vi.useFakeTimers();
  try {
    const geolocation = { getCurrentPosition: vi.fn() } as unknown as Geolocation;
    const hindered = expect(findPosition(geolocation)).rejects.toMatchObject({
      hindrance: "tooSlow",
    });
    vi.advanceTimersByTime(20_000);
    await hindered;
  } finally {
    vi.useRealTimers();
  }
});

test("a browser without positions is told apart", async () => {
  const none = undefined as unknown as Geolocation;
  await expect(findPosition(none)).rejects.toMatchObject({ hindrance: "unsupported" });
});

test.each(["", "#", "#a b", "#<script>", "#a/../b"])("%s holds no code", (hash) => {
  expect(linkOfCode({ origin: "https://here.example", hash })).toBeNull();
});

test("a code is sent as the link that was scanned", () => {
  expect(linkOfCode({ origin: "https://here.example", hash: "#Ab-9_x" })).toBe(
    "https://here.example/C/Ab-9_x",
  );
});

test("the link of a code leads to checking in with it, and back", () => {
  const { hash } = new URL(checkInByLink("/C/Ab-9_x") ?? "", "https://here.example");
  expect(linkOfCode({ origin: "https://here.example", hash })).toBe(
    "https://here.example/C/Ab-9_x",
  );
  expect(["/c/Ab", "/C/", "/C/a/b", "/places/C"].map(checkInByLink)).toEqual([
    null,
    null,
    null,
    null,
  ]);
});

test.each([
  ["https://a.example/b", "https://a.example/b"],
  ["javascript:alert(1)", null],
  ["www.a.example", null],
  [null, null],
])("the website %s leads to %s", (told, address) => {
  expect(webAddress(told)).toBe(address);
});
