/** A code that is shown to staff: for how long it still counts, and whether they have taken it. */

import type { Schemas } from "../api/client.ts";
import type { Offer } from "./offer.ts";

type Code = Schemas["RedemptionCodeOut"];

const tickMs = 1000;
/** Staff have taken it for so long at most before the phone says so. */
const askEveryTicks = 3;

/** Return how many whole seconds a code counts, so long after the service said how many. */
export function secondsLeft(
  { seconds_left }: Pick<Code, "seconds_left">,
  passedMs: number,
): number {
  return Math.max(0, Math.ceil(seconds_left - passedMs / 1000));
}

/** Return seconds as minutes and seconds: `9:05`. */
export function clockOf(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export class ShownCode {
  /** Whole seconds for which it counts; 0 once it is over. */
  left = $state(0);
  readonly code: Code;
  /** By a clock that nobody sets, unlike the phone's. */
  readonly #since = performance.now();
  readonly #read: () => Promise<Offer | null>;
  readonly #changed: (offer: Offer) => void;
  #timer: ReturnType<typeof setInterval>;
  #ticks = 0;
  #isAsking = false;
  #isStopped = false;

  /**
   * Show a code; `changed` is told of the offer as it is once the code is taken, or over. `read` returns
   * it as it is now, and null where that cannot be known: then it is asked again.
   */
  constructor(code: Code, read: () => Promise<Offer | null>, changed: (offer: Offer) => void) {
    this.code = code;
    this.left = secondsLeft(code, 0);
    this.#read = read;
    this.#changed = changed;
    this.#timer = setInterval(() => void this.#tick(), tickMs);
  }

  /** Look at it no more. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  async #tick(): Promise<void> {
    const wasOver = this.left === 0;
    this.left = secondsLeft(this.code, performance.now() - this.#since);
    this.#ticks += 1;
    const isOver = this.left === 0;
    const isDue = this.#ticks % askEveryTicks === 0 && (isOver || !document.hidden);
    if (this.#isAsking || !(isDue || (isOver && !wasOver))) {
      return;
    }
    this.#isAsking = true;
    try {
      this.#hear(await this.#read(), isOver);
    } finally {
      this.#isAsking = false;
    }
  }

  #hear(offer: Offer | null, isOver: boolean): void {
    const isShown = offer?.yours?.id === this.code.id && offer.yours.redeemed_at === null;
    // While a phone sleeps that clock may stand still; the service knows better.
    if (offer && !this.#isStopped && (isOver || !isShown)) {
      this.stop();
      this.#changed(offer);
    }
  }
}
