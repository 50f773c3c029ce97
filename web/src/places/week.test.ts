import { expect, test } from "vitest";
import { rowsOf } from "./week.ts";

test("each day says its times by the clocks of the place", () => {
  const rows = rowsOf(
    [
      {
        day: "2026-07-01",
        spans: [{ opens_at: "2026-07-01T08:00:00Z", closes_at: "2026-07-01T16:30:00Z" }],
      },
      { day: "2026-07-02", spans: [] },
      {
        day: "2026-07-03",
        spans: [{ opens_at: "2026-07-02T23:00:00Z", closes_at: "2026-07-03T23:00:00Z" }],
      },
      {
        day: "2026-07-05",
        spans: [{ opens_at: "2026-07-04T23:00:00Z", closes_at: "2026-07-05T22:30:00Z" }],
      },
      {
        day: "2026-07-04",
        spans: [
          { opens_at: "2026-07-04T08:00:00Z", closes_at: "2026-07-04T11:00:00Z" },
          { opens_at: "2026-07-04T17:00:00Z", closes_at: "2026-07-04T23:00:00Z" },
        ],
      },
    ],
    "Europe/London",
  );
  expect(rows.map(({ day, times }) => [day, times])).toEqual([
    ["Today", "9am to 5:30pm"],
    ["Thursday", "Closed"],
    ["Friday", "Open all day"],
    ["Sunday", "midnight to 11:30pm"],
    ["Saturday", "9am to midday, 6pm to midnight"],
  ]);
});
