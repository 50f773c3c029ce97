import { choice } from "../locating/choice.svelte.ts";
import { forgetFacts } from "../push/storage.ts";

/** Forget what was chosen here, once this browser is somebody else's, or nobody's. */
export async function forgetOwner(): Promise<void> {
  choice.drop("unknown");
  try {
    await forgetFacts();
  } catch {
    // Where nothing can be kept, there is nothing to forget.
  }
}
