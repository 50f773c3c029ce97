import { asFailure, type Failure } from "./failures.ts";

/** Something that is done on a touch: whether it has been, or why it could not be. */
export class Attempt {
  isDone = $state(false);
  failure: Failure | null = $state.raw(null);

  /** Do it, and return whether that worked; what an earlier attempt left to be told is gone. */
  async make(step: () => Promise<void>): Promise<boolean> {
    this.isDone = false;
    this.failure = null;
    try {
      await step();
      this.isDone = true;
    } catch (error) {
      this.failure = asFailure(error);
    }
    return this.isDone;
  }
}
