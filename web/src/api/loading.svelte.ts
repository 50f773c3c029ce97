import { asFailure, type Failure } from "./failures.ts";

type State<Value> =
  | { readonly is: "loading" }
  | { readonly is: "failed"; readonly failure: Failure }
  | { readonly is: "here"; readonly value: Value };

/** Something that a page asks the service for; `Loaded.svelte` shows how far it has come. */
export class Loading<Value> {
  state: State<Value> = $state.raw({ is: "loading" });
  readonly #load: () => Promise<Value>;

  constructor(load: () => Promise<Value>) {
    this.#load = load;
    void this.again();
  }

  /** Ask once more, in place of what was there. */
  async again(): Promise<void> {
    this.state = { is: "loading" };
    try {
      this.state = { is: "here", value: await this.#load() };
    } catch (error) {
      this.state = { is: "failed", failure: asFailure(error) };
    }
  }
}
