/** A code that is shown to staff: for how long it still counts, and whether they have taken it. */

import { keptAt, type Schemas } from "../api/client.ts";
import { Refusal, NoAnswer } from "../api/failures.ts";
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
  readonly #read: () => Promise<Offer>;
  readonly #changed: (offer: Offer) => void;
  #timer: ReturnType<typeof setInterval>;
  #ticks = 0;

  /** Show a code; `changed` is told of the offer as it is once the code is taken, or over. */
  constructor(code: Code, read: () => Promise<Offer>, changed: (offer: Offer) => void) {
    this.code = code;
    this.left = secondsLeft(code, 0);
    this.#read = read;
    this.#changed = changed;
    this.#timer = setInterval(() => void this.#tick(), tickMs);
  }

  /** Look at it no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  async #tick(): Promise<void> {
    this.left = secondsLeft(this.code, performance.now() - this.#since);
    this.#ticks += 1;
    const isOver = this.left === 0;
    if (isOver) {
      this.stop();
    } else if (document.hidden || this.#ticks % askEveryTicks !== 0) {
      return;
    }
    try {
      const offer = await this.#read();
      const { yours } = offer;
      const isShown = yours?.id === this.code.id && yours.redeemed_at === null;
      // While a phone sleeps that clock may stand still; the service knows better, unless it was asked before.
      if (isOver || (!isShown && keptAt(offer) === null)) {
        this.stop();
        this.#changed(offer);
      }
    } catch (error) {
      // Staff may take it all the same; whether they have is asked again.
      if (!(error instanceof NoAnswer || error instanceof Refusal)) {
        throw error;
      }
    }
  }
}
