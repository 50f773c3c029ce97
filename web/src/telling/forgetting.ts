import { forgetFacts } from "../push/storage.ts";

/** Forget that messages were to pop up here, once this browser is somebody else's, or nobody's. */
export async function forgetPushes(): Promise<void> {
  try {
    await forgetFacts();
  } catch {
    // Where nothing can be kept, there is nothing to forget.
  }
}
