/** Sends what was kept of the phone's way, and says what became of it. */

import { api, call, repeatable, type Schemas } from "../api/client.ts";
import { asFailure, NoAnswer, type Failure } from "../api/failures.ts";
import type { Ending } from "./choice.svelte.ts";
import { between, isDue, withPing, type Ping } from "./thinning.ts";

type Answer = Schemas["PingsOut"];
export type Transition = Schemas["TransitionOut"];

/** What is in the way of being located, though the phone tells where it is. */
export type Trouble = "offline" | "busy" | "clock" | "hours" | "refused";

/** What a failure means: what to say of it, whether to try again, or that all is over. */
export type Meaning =
  | { readonly is: "over"; readonly ending: Ending }
  | { readonly is: "later" | "lost"; readonly trouble: Trouble };

export interface Told {
  readonly onTransition: (transition: Transition) => void;
  readonly onOver: (ending: Ending) => void;
  /** Called where the service takes nothing in outside of working hours. */
  readonly onOffDuty: () => void;
}

const againAfterMs = 30_000;
/** In the tab's own storage, which outlasts a page that the phone put away, and nothing else. */
const kept = "unsent-positions";
const tooOften = 429;
const serverErrors = 500;
const troubles: Readonly<Record<string, Trouble>> = {
  "recorded-in-the-future": "clock",
  "recorded-too-long-ago": "clock",
  "outside-working-hours": "hours",
};

export class Sender {
  trouble: Trouble | null = $state(null);
  #unsent: readonly Ping[] = recall();
  #isSending = false;
  #failedAt: number | null = null;
  readonly #told: Told;

  constructor(told: Told) {
    this.#told = told;
  }

  add(ping: Ping): void {
    this.#unsent = withPing(this.#unsent, ping);
  }

  /** Send what has waited for long enough. */
  async sendDue(now = Date.now()): Promise<void> {
    const isPausing = this.#failedAt !== null && between(this.#failedAt, now) < againAfterMs;
    if (!isPausing && isDue(this.#unsent, now)) {
      await this.send();
    }
  }

  /** Send all there is. What gets no answer is sent again later, and counts once. */
  async send(): Promise<void> {
    const pings = this.#unsent;
    if (this.#isSending || pings.length === 0) {
      return;
    }
    this.#isSending = true;
    try {
      const answer = await call(
        api.POST("/v1/pings", { body: { pings: [...pings] }, fetch: repeatable }),
      );
      this.#settle(pings);
      this.#hear(answer);
    } catch (error) {
      this.#fail(pings, asFailure(error));
    } finally {
      this.#isSending = false;
    }
  }

  /** Forget what was not sent. */
  forget(): void {
    this.#unsent = [];
    this.trouble = null;
    keep([]);
  }

  #settle(pings: readonly Ping[]): void {
    this.#unsent = this.#unsent.filter((ping) => !pings.includes(ping));
    keep([]);
  }

  #hear(answer: Answer): void {
    this.trouble = troubleIn(answer);
    this.#failedAt = null;
    if (answer.pings.some(({ verdict }) => verdict === "not-kept")) {
      this.#told.onOver("placesOnly");
    }
    if (this.trouble === "hours") {
      this.#told.onOffDuty();
    }
    answer.transitions.forEach(this.#told.onTransition);
  }

  #fail(pings: readonly Ping[], failure: Failure): void {
    const meaning = meaningOf(failure);
    if (meaning.is === "over") {
      this.#told.onOver(meaning.ending);
      return;
    }
    this.trouble = meaning.trouble;
    if (meaning.is === "lost") {
      this.#settle(pings);
    } else {
      this.#failedAt = Date.now();
      keep(this.#unsent);
    }
  }
}

/** Return what the service found wrong with the newest of the pings; null if nothing. */
export function troubleIn({ pings }: Answer): Trouble | null {
  const fault = pings.at(-1)?.faults[0];
  return fault ? (troubles[fault.code] ?? "refused") : null;
}

/** Return what it means that pings were not taken in. */
export function meaningOf(failure: Failure): Meaning {
  if (failure instanceof NoAnswer) {
    return { is: "later", trouble: "offline" };
  }
  if (failure.code === "consent-missing") {
    return { is: "over", ending: "withdrawn" };
  }
  if (failure.code === "unauthenticated") {
    return { is: "over", ending: "unknown" };
  }
  const isPassing = failure.status === tooOften || failure.status >= serverErrors;
  return isPassing ? { is: "later", trouble: "busy" } : { is: "lost", trouble: "refused" };
}

function recall(): readonly Ping[] {
  try {
    return JSON.parse(sessionStorage.getItem(kept) ?? "[]") as Ping[];
  } catch {
    return [];
  }
}

function keep(unsent: readonly Ping[]): void {
  try {
    if (unsent.length === 0) {
      sessionStorage.removeItem(kept);
    } else {
      sessionStorage.setItem(kept, JSON.stringify(unsent));
    }
  } catch {
    // Full or forbidden: then it waits as long as the page is there.
  }
}
