import { expect, test } from "vitest";
import { joined } from "./paging.ts";

test("what has moved to a later page meanwhile is there once", () => {
  const listed = (...ids: string[]) => ids.map((id) => ({ id }));
  expect(joined(listed("a", "b"), listed("b", "c"))).toEqual(listed("a", "b", "c"));
  expect(joined([], listed("a"))).toEqual(listed("a"));
});
