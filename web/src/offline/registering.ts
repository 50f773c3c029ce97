/** The service worker, as pages get it. */

const script = "/service-worker.js";

/** Have the service worker, ready to work; null where this browser has none, as without TLS. */
export async function registerWorker(): Promise<ServiceWorkerRegistration | null> {
  if (!("serviceWorker" in navigator)) {
    return null;
  }
  await navigator.serviceWorker.register(script, { updateViaCache: "none" });
  return navigator.serviceWorker.ready;
}
