import { expect, test } from "vitest";
import { mayOffer } from "./offering.ts";
import { hindranceOf } from "./possible.ts";

const day = 24 * 3600 * 1000;
const android = { standalone: undefined, maxTouchPoints: 5, canPush: true, permission: "default" };
const iPhone = { ...android, standalone: false, canPush: false };

test.each([
  [android, null],
  [{ ...android, permission: "granted" }, null],
  [{ ...android, permission: "denied" }, "blocked"],
  [{ ...android, canPush: false }, "unsupported"],
  [iPhone, "homeScreen"],
  [{ ...iPhone, standalone: true, canPush: true }, null],
  [{ ...iPhone, standalone: true }, "unsupported"],
  // Safari on a Mac has the same word, no touch, and needs no Home Screen.
  [{ ...iPhone, maxTouchPoints: 0, canPush: true }, null],
] as const)("with %o there is %s in the way", (phone, hindrance) => {
  expect(hindranceOf(phone as never)).toBe(hindrance);
});

test.each([
  [{}, true],
  [{ isOn: true }, false],
  [{ hindrance: "homeScreen" }, true],
  [{ hindrance: "blocked" }, false],
  [{ hindrance: "unsupported" }, false],
  [{ notNowAt: 0 }, false],
  [{ notNowAt: -60 * day }, true],
  // A clock that was wrong once must not silence it for years.
  [{ notNowAt: 400 * day }, true],
] as const)("with %o it may be offered: %s", (told, may) => {
  expect(mayOffer({ hindrance: null, isOn: false, notNowAt: null, ...told }, day)).toBe(may);
});
