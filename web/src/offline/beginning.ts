/** Being ready for when there is no signal, once the page stands. */

import { router } from "../router.svelte.ts";
import { keyOf } from "./answers.ts";
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

/** What was seen before there was a service worker is asked for once more, for it to be kept. */
function askAgain(): void {
  for (const { name } of performance.getEntriesByType("resource")) {
    if (keyOf(new URL(name)) !== null) {
      // What does not come now is kept another time.
      fetch(name).catch(() => undefined);
    }
  }
}
