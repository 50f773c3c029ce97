import { expect, test } from "vitest";
import { readAsked, searchOf } from "./filters.ts";

test.each([
  ["", { openNow: false, onToday: false }, ""],
  ["?q=Caf%C3%A9+%26+more&open=", { openNow: true, onToday: false }, "Café & more"],
  ["?today=", { openNow: false, onToday: true }, ""],
])("%s asks for what it was made of", (search, filters, text) => {
  expect(readAsked(search)).toEqual({ filters, text });
  expect(searchOf(filters, text)).toBe(search);
});
