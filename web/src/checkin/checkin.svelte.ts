/** A check-in by one touch: from asking where the phone is to what the service makes of it. */

import { api, becomeDevice, call, repeatable, type Schemas } from "../api/client.ts";
import { asFailure, Refusal, type Failure } from "../api/failures.ts";
import { agreeTo } from "../consents/words.ts";
import { newId } from "../ids.ts";
import { findPosition, NoPosition, type Position } from "../position.ts";

export type Answer = Schemas["CheckInAnswer"];
export type Consent = Schemas["ConsentOut"];

/** What is checked in at: a place of a list, or the place of a code as it was scanned. */
export type Target = { readonly placeId: string } | { readonly code: string };

type State =
  | { readonly is: "offered" }
  | { readonly is: "under-way" }
  | { readonly is: "asking"; readonly consent: Consent }
  | { readonly is: "refused" }
  | { readonly is: "failed"; readonly failure: Failure }
  | { readonly is: "done"; readonly answer: Answer }
  | { readonly is: "undone" };

/** What somebody agrees to so that they can check in. */
type Purpose = "check-in-content" | "staff-tasks";

export class CheckIn {
  state: State = $state.raw({ is: "offered" });
  readonly #target: Target;
  readonly #purpose: Purpose;
  /** The same until it is done, so that sending it again does nothing more. */
  #id = newId();

  constructor(target: Target, purpose: Purpose = "check-in-content") {
    this.#target = target;
    this.#purpose = purpose;
  }

  /** Check in, or ask for the consent that is still needed. */
  async begin(): Promise<void> {
    await this.#attempt(async () => {
      // The browser asks while the touch is fresh.
      const asked = positionIfAny();
      await becomeDevice();
      const position = await asked;
      try {
        return { is: "done", answer: await this.#send(position) };
      } catch (error) {
        if (error instanceof Refusal && error.code === "consent-missing") {
          return { is: "asking", consent: await readConsent(this.#purpose) };
        }
        throw error;
      }
    });
  }

  /** Agree to what was shown, and check in. */
  async agree(consent: Consent): Promise<void> {
    await this.#attempt(async () => {
      await agreeTo(consent);
      return { is: "done", answer: await this.#send(await positionIfAny()) };
    });
  }

  /** Leave it. */
  refuse(): void {
    this.state = { is: "refused" };
  }

  /** Take back what was a mistake. */
  async undo({ id }: Answer): Promise<void> {
    await this.#attempt(async () => {
      await call(
        api.DELETE("/v1/check-ins/{check_in_id}", { params: { path: { check_in_id: id } } }),
      );
      this.#id = newId();
      return { is: "undone" };
    });
  }

  async #send(position: Position | null): Promise<Answer> {
    const target =
      "code" in this.#target ? { code: this.#target.code } : { place_id: this.#target.placeId };
    const body = { id: this.#id, position, ...target };
    return call(api.POST("/v1/check-ins", { body, fetch: repeatable }));
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
