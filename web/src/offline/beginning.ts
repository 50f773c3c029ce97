/** Being ready for when there is no signal, once the page stands. */

import { router } from "../router.svelte.ts";
import { askAgain } from "./again.ts";
import { registerWorker } from "./registering.ts";

/** Have the service worker; some browsers have one and let nobody use it, as in private windows. */
export async function beReady(): Promise<void> {
  const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
  if (!serviceWorker) {
    return;
  }
  const wasControlled = serviceWorker.controller !== null;
  serviceWorker.addEventListener(
    "controllerchange",
    () => {
      if (wasControlled) {
        router.outdate();
      } else {
        askAgain();
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
