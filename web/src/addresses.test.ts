import { describe, expect, test } from "vitest";
import { addresses, hrefOf, match, type PageName } from "./addresses.ts";

describe("addresses", () => {
  test("a link leads to the page that it was made for, whatever stands in it", () => {
    for (const placeId of ["1", "a b", "ä/ö?#%", ".."]) {
      expect(match(hrefOf("place", { placeId }))).toEqual({
        name: "place",
        parameters: { placeId },
      });
    }
  });

  test("each address is of one page alone", () => {
    for (const name of Object.keys(addresses) as PageName[]) {
      const sample = addresses[name].replace(/\{\w+\}/g, "x");
      expect(match(sample)?.name).toBe(name);
    }
  });

  test.each(["/place", "/places/", "/places/1/2", "/places/%", "/v1/places", "//"])(
    "%s is none of them",
    (path) => {
      expect(match(path)).toBeNull();
    },
  );
});
