/** When somebody is asked whether messages shall pop up: never on load, and not soon after a "not now". */

import type { Hindrance } from "./possible.ts";

const kept = "pushes/notNow";
/** Who said "not now" has thought about it; they can turn it on by themselves at any time. */
const silenceMs = 60 * 24 * 3600 * 1000;

interface Standing {
  readonly hindrance: Hindrance | null;
  /** Whether messages pop up here already. */
  readonly isOn: boolean;
  /** When they said "not now", in milliseconds since 1970; null if they never did. */
  readonly notNowAt: number | null;
}

/** Tell whether to offer it. Where it is blocked or impossible, an offer would be no use. */
export function mayOffer({ hindrance, isOn, notNowAt }: Standing, now: number): boolean {
  const isPossible = hindrance === null || hindrance === "homeScreen";
  const isTooSoon = notNowAt !== null && now - notNowAt >= 0 && now - notNowAt < silenceMs;
  return isPossible && !isOn && !isTooSoon;
}

/** Return when somebody said "not now" on this phone. */
export function recallNotNow(): number | null {
  try {
    const told = Number(localStorage.getItem(kept) ?? Number.NaN);
    return Number.isNaN(told) ? null : told;
  } catch {
    return null;
  }
}

/** Remember that somebody said "not now". */
export function keepNotNow(now: number): void {
  try {
    localStorage.setItem(kept, String(now));
  } catch {
    // Full or forbidden: then they are asked again on their next visit.
  }
}
