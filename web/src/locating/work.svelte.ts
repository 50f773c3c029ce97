/** Whether one of the staff is being located for their tasks just now, wherever they look. */

import { asFailure } from "../api/failures.ts";
import { isForMembers } from "../tasks/words.ts";
import { readLocated, type Located } from "../tasks/work.ts";
import { choice } from "./choice.svelte.ts";

/** Longer timers than this are none (they are kept in 32 bits), and a clock may be set meanwhile. */
const longestMs = 3_600_000;
const graceMs = 1_000;

class Work {
  /** Null until it is known, and where it cannot be. */
  located: Located | null = $state.raw(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #latest = 0;

  /** Find out how it is now, and again when that changes. */
  async refresh(): Promise<void> {
    const turn = ++this.#latest;
    let located = this.located;
    try {
      located = await readLocated();
      choice.setWorkPhone(true);
    } catch (error) {
      if (isForMembers(asFailure(error))) {
        located = null;
        choice.setWorkPhone(false);
      }
    }
    if (turn === this.#latest) {
      this.located = located;
      this.#wait();
    }
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (choice.isWorkPhone) {
      const change = this.located?.until ?? this.located?.next_from;
      const inMs = change ? Date.parse(change) - Date.now() + graceMs : longestMs;
      this.#timer = setTimeout(
        () => void this.refresh(),
        Math.min(Math.max(inMs, graceMs), longestMs),
      );
    }
  }
}

export const work = new Work();
