import { expect, test } from "vitest";
import { keptHeader } from "../offline/kept.ts";
import { call, keptAt } from "./client.ts";

function answer(at: string | null): Promise<object> {
  const headers = new Headers(at === null ? {} : { [keptHeader]: at });
  return call(Promise.resolve({ data: {}, response: new Response(null, { headers }) }));
}

test("what is shown is as old as the oldest of its parts", async () => {
  const fresh = await answer(null);
  const older = await answer("2026-03-04T09:00:00.000Z");
  const newer = await answer("2026-03-04T12:00:00.000Z");
  expect(keptAt(fresh)).toBeNull();
  expect(keptAt(fresh, newer)).toBe("2026-03-04T12:00:00.000Z");
  expect(keptAt(newer, older)).toBe("2026-03-04T09:00:00.000Z");
});
