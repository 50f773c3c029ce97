/** Being ready for when there is no signal, once the page stands. */

import { router } from "../router.svelte.ts";
import { askAgainWithWorker } from "./again.ts";
import { registerWorker } from "./registering.ts";

/** Have the service worker; some browsers have one and let nobody use it, as in private windows. */
export async function beReady(): Promise<void> {
  const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
  if (!serviceWorker) {
    return;
  }
  const wasControlled = serviceWorker.controller !== null;
  if (wasControlled) {
    // It may have come after the page had begun to ask.
    askAgainWithWorker();
  }
  serviceWorker.addEventListener(
    "controllerchange",
    () => {
      if (wasControlled) {
        router.outdate();
      } else {
        askAgainWithWorker();
      }
    },
    { once: true },
  );
  try {
    await registerWorker();
  } catch {
    // Then the app works with signal alone.
  }
}
