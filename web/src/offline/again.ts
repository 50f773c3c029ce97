/** What was seen, asked for once more, since the service worker has nothing of it. */

import { keyOf } from "./answers.ts";

/** Have the service worker keep what this page was told before there was one, or as somebody else. */
export function askAgain(): void {
  const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
  if (!serviceWorker?.controller) {
    return;
  }
  fetchAgain(performance.getEntriesByType("resource"));
}

/** Ask once more for what went by the service worker before it had this page; its answer may be to come yet. */
export function askAgainWithWorker(): void {
  const since = performance.now();
  new PerformanceObserver((list) => {
    const entries = list.getEntries() as PerformanceResourceTiming[];
    fetchAgain(entries.filter((one) => one.workerStart === 0 && one.startTime < since));
  }).observe({ type: "resource", buffered: true });
}

/** What is kept under one key is asked for once; what does not come now is kept another time. */
function fetchAgain(entries: readonly PerformanceEntry[]): void {
  const seen = new Map<string, string>();
  for (const { name } of entries) {
    const key = keyOf(new URL(name));
    if (key !== null) {
      seen.set(key, name);
    }
  }
  for (const name of seen.values()) {
    fetch(name).catch(() => undefined);
  }
}
