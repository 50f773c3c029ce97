/** The service worker, as pages get it. */

import { takeThisPage } from "./kept.ts";

const script = "/service-worker.js";

/** Have the service worker, ready to work; null where this browser has none, as without TLS. */
export async function registerWorker(): Promise<ServiceWorkerRegistration | null> {
  if (!("serviceWorker" in navigator)) {
    return null;
  }
  await navigator.serviceWorker.register(script, { updateViaCache: "none" });
  const registration = await navigator.serviceWorker.ready;
  if (!navigator.serviceWorker.controller) {
    // It took the pages there were as it began, of which one that was on its way then is none.
    registration.active?.postMessage(takeThisPage);
  }
  return registration;
}
