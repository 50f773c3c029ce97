/** A check-in by one touch: from asking where the phone is to what the service makes of it. */

import { Attempt } from "../api/attempt.svelte.ts";
import { api, call, type Schemas } from "../api/client.ts";
import { asFailure, Refusal, type Failure } from "../api/failures.ts";
import { agreeTo } from "../consents/words.ts";
import { newId } from "../ids.ts";
import { sendAtOnce, type Outcome } from "../offline/sending.ts";
import { unsent } from "../offline/unsent.svelte.ts";
import {
  doneAt,
  failureOf,
  nowHere,
  type Matter,
  type Target,
  type Waiting,
} from "../offline/waiting.ts";
import { findPosition, NoPosition, type Position } from "../position.ts";

export type Answer = Schemas["CheckInAnswer"];
export type Consent = Schemas["ConsentOut"];

type State =
  | { readonly is: "offered" }
  | { readonly is: "under-way" }
  | { readonly is: "asking"; readonly consent: Consent }
  | { readonly is: "refused" }
  | { readonly is: "failed"; readonly failure: Failure }
  /** Kept on this phone until there is signal. */
  | { readonly is: "waiting"; readonly at: string }
  | { readonly is: "done"; readonly answer: Answer }
  | { readonly is: "undone" };

/** What somebody agrees to so that they can check in. */
type Purpose = "check-in-content" | "staff-tasks";

export class CheckIn {
  state: State = $state.raw({ is: "offered" });
  readonly undoing = new Attempt();
  readonly #target: Target;
  readonly #purpose: Purpose;
  /** The same until it is done, so that sending it again does nothing more. */
  #made: Matter | null = null;
  #placeName: string | null = null;

  constructor(target: Target, purpose: Purpose = "check-in-content") {
    this.#target = target;
    this.#purpose = purpose;
  }

  /** Check in, or ask for the consent that is still needed. */
  async begin(placeName: string | null): Promise<void> {
    this.#placeName = placeName;
    await this.#attempt(async () => {
      const at = nowHere();
      const position = await positionIfAny();
      const id = this.#made?.is === "check-in" ? this.#made.id : newId();
      this.#made = { is: "check-in", id, target: this.#target, position, at };
      return this.#send(this.#made);
    });
  }

  /** Agree to what was shown, and check in as of the touch that began it. */
  async agree(consent: Consent): Promise<void> {
    await this.#attempt(async () => {
      await agreeTo(consent);
      return this.#made ? this.#send(this.#made) : { is: "offered" };
    });
  }

  /** Show what became of it once it does not wait any more; nothing as long as it does. */
  async settle(all: readonly Waiting[]): Promise<void> {
    const made = this.#made;
    if (this.state.is !== "waiting" || made?.is !== "check-in") {
      return;
    }
    const kept = all.find(({ matter }) => matter.is === "check-in" && matter.id === made.id);
    const failure = kept && failureOf(kept);
    if (kept && failure) {
      await this.#attempt(async () => {
        await unsent.leave(kept);
        return this.#next(made, { is: "refused", failure });
      });
    } else if (!kept) {
      await this.#attempt(() => this.#next(made, { is: "sent", answer: null }));
    }
  }

  /** Leave it. */
  refuse(): void {
    this.state = { is: "refused" };
  }

  /** Take back what was a mistake; the answer stands until that is done. */
  async undo({ id }: Answer): Promise<void> {
    const params = { path: { check_in_id: id } };
    if (
      await this.undoing.make(() => call(api.DELETE("/v1/check-ins/{check_in_id}", { params })))
    ) {
      this.#made = null;
      this.state = { is: "undone" };
    }
  }

  async #send(made: Matter): Promise<State> {
    return this.#next(made, await unsent.submit({ matter: made, about: this.#placeName }));
  }

  async #next(made: Matter, outcome: Outcome): Promise<State> {
    switch (outcome.is) {
      case "sent":
        // Another tab may have sent it: the same once more brings the answer, and does nothing.
        return { is: "done", answer: (outcome.answer ?? (await sendAtOnce(made))) as Answer };
      case "waiting":
        return { is: "waiting", at: doneAt(made) };
      case "refused":
        if (outcome.failure instanceof Refusal && outcome.failure.code === "consent-missing") {
          return { is: "asking", consent: await readConsent(this.#purpose) };
        }
        throw outcome.failure;
    }
  }

  async #attempt(step: () => Promise<State>): Promise<void> {
    this.state = { is: "under-way" };
    try {
      this.state = await step();
    } catch (error) {
      this.state = { is: "failed", failure: asFailure(error) };
    }
  }
}

/** A check-in without a position counts too, for less. */
async function positionIfAny(): Promise<Position | null> {
  try {
    return await findPosition();
  } catch (error) {
    if (error instanceof NoPosition) {
      return null;
    }
    throw error;
  }
}

export async function readConsent(purpose: Purpose): Promise<Consent> {
  const consents = await call(api.GET("/v1/consents"));
  const found = consents.find((consent) => consent.purpose === purpose);
  if (!found) {
    throw new Error("The service does not ask for the consent that it misses.");
  }
  return found;
}
