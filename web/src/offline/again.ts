/** What was seen, asked for once more, since the service worker has nothing of it. */

import { keyOf } from "./answers.ts";

/** Have the service worker keep what this page was told before there was one, or as somebody else. */
export function askAgain(): void {
  const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
  if (!serviceWorker?.controller) {
    return;
  }
  const seen = new Map<string, string>();
  for (const { name } of performance.getEntriesByType("resource")) {
    const key = keyOf(new URL(name));
    if (key !== null) {
      seen.set(key, name);
    }
  }
  for (const name of seen.values()) {
    // What does not come now is kept another time.
    fetch(name).catch(() => undefined);
  }
}
