/** Something that is kept of somebody, and so needs what they agree to; asked where it is missing. */

import { becomeDevice } from "../api/client.ts";
import { asFailure, Refusal, type Failure } from "../api/failures.ts";
import { readConsent } from "../checkin/checkin.svelte.ts";
import { agreeTo, type Consent } from "./words.ts";

type State =
  | { readonly is: "offered" }
  | { readonly is: "under-way" }
  | { readonly is: "asking"; readonly consent: Consent }
  | { readonly is: "left" }
  | { readonly is: "failed"; readonly failure: Failure }
  | { readonly is: "done" };

export class Errand {
  state: State = $state.raw({ is: "offered" });
  readonly #step: () => Promise<void>;

  constructor(step: () => Promise<void>) {
    this.#step = step;
  }

  /** Do it, or ask for the consent that it needs; while it is under way, again does nothing. */
  async begin(): Promise<void> {
    await this.#attempt(async () => {
      await becomeDevice();
      try {
        await this.#step();
      } catch (error) {
        if (error instanceof Refusal && error.code === "consent-missing") {
          return { is: "asking", consent: await readConsent("check-in-content") };
        }
        throw error;
      }
      return { is: "done" };
    });
  }

  /** Agree to what was shown, and do it. */
  async agree(consent: Consent): Promise<void> {
    await this.#attempt(async () => {
      await agreeTo(consent);
      await this.#step();
      return { is: "done" };
    });
  }

  /** Leave it. */
  leave(): void {
    this.state = { is: "left" };
  }

  async #attempt(step: () => Promise<State>): Promise<void> {
    if (this.state.is === "under-way") {
      return;
    }
    this.state = { is: "under-way" };
    try {
      this.state = await step();
    } catch (error) {
      this.state = { is: "failed", failure: asFailure(error) };
    }
  }
}
