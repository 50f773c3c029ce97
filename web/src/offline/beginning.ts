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
  if (wasControlled) {
    // It may have come after the page had begun to ask.
    askAgain();
  }
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

/**
 * Ask once more for what was asked for before there was a service worker, for it to be kept; its answer
 * may be still to come.
 */
function askAgain(): void {
  const since = performance.now();
  new PerformanceObserver((list) => {
    for (const {
      name,
      startTime,
      workerStart,
    } of list.getEntries() as PerformanceResourceTiming[]) {
      if (startTime < since && workerStart === 0 && keyOf(new URL(name)) !== null) {
        // What does not come now is kept another time.
        fetch(name).catch(() => undefined);
      }
    }
  }).observe({ type: "resource", buffered: true });
}
