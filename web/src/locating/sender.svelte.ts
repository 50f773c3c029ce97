/** Sends what was kept of the phone's way, and says what became of it. */

import { api, call, repeatable, type Schemas } from "../api/client.ts";
import { asFailure, NoAnswer, type Failure } from "../api/failures.ts";
import { t } from "../languages/language.svelte.ts";
import { unsent } from "../offline/unsent.svelte.ts";
import { nowHere } from "../offline/waiting.ts";
import { recallWho } from "../offline/who.ts";
import type { Ending } from "./choice.svelte.ts";
import { between, isDue, withPing, type Ping } from "./thinning.ts";

type Answer = Schemas["PingsOut"];
export type Transition = Schemas["TransitionOut"];

/** What is in the way of being located, though the phone tells where it is. */
export type Trouble = "unreachable" | "clock" | "hours" | "refused";

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

/** Each attempt in vain is a row of the queue. */
const againAfterMs = 60_000;
const tooOften = 429;
const serverErrors = 500;
const troubles: Readonly<Record<string, Trouble>> = {
  "recorded-in-the-future": "clock",
  "recorded-too-long-ago": "clock",
  "outside-working-hours": "hours",
};

export class Sender {
  trouble: Trouble | null = $state(null);
  #unsent: readonly Ping[] = [];
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

  /** Send all there is. What gets no answer waits in the queue, and counts once. */
  async send(): Promise<void> {
    const pings = this.#unsent;
    if (this.#isSending || pings.length === 0) {
      return;
    }
    this.#isSending = true;
    this.#unsent = [];
    try {
      this.#hear(await hand(pings));
    } catch (error) {
      this.#fail(pings, asFailure(error));
    } finally {
      this.#isSending = false;
    }
  }

  /** Forget what was not sent. */
  async forget(): Promise<void> {
    this.#unsent = [];
    this.trouble = null;
    await unsent.leaveAll("pings");
  }

  #hear(answer: Answer | "waiting"): void {
    if (answer === "waiting") {
      this.trouble = "unreachable";
      this.#failedAt = Date.now();
      if (recallWho().device === null) {
        this.#told.onOver("unknown");
      }
      return;
    }
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
    if (meaning.is === "later") {
      // Nothing can be kept on this phone but here.
      this.#unsent = [...pings, ...this.#unsent];
      this.#failedAt = Date.now();
    }
  }
}

/** Send pings, behind those that wait if there are any: they are taken in the order in which they were found. */
async function hand(pings: readonly Ping[]): Promise<Answer | "waiting"> {
  if (!unsent.all.some(({ matter }) => matter.is === "pings")) {
    try {
      return await call(api.POST("/v1/pings", { body: { pings: [...pings] }, fetch: repeatable }));
    } catch (error) {
      if (meaningOf(asFailure(error)).is !== "later") {
        throw error;
      }
    }
  }
  const matter = { is: "pings", pings, at: nowHere() } as const;
  const outcome = await unsent.submit({ matter, about: t("locating.label") });
  switch (outcome.is) {
    case "sent":
      return (outcome.answer as Answer | null) ?? { pings: [], transitions: [] };
    case "waiting":
      return "waiting";
    case "refused":
      throw outcome.failure;
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
    return { is: "later", trouble: "unreachable" };
  }
  if (failure.code === "consent-missing") {
    return { is: "over", ending: "withdrawn" };
  }
  if (failure.code === "unauthenticated") {
    return { is: "over", ending: "unknown" };
  }
  const isPassing = failure.status === tooOften || failure.status >= serverErrors;
  return isPassing ? { is: "later", trouble: "unreachable" } : { is: "lost", trouble: "refused" };
}
