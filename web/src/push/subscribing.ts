/**
 * This browser's push subscription, and the service's knowledge of it. A subscription is bound for
 * life to the key it was made with (RFC 8292 section 4.2), and browsers end or exchange theirs
 * without a word, so both are compared whenever a page has the time.
 */

import { api, call, type Schemas } from "../api/client.ts";
import { Refusal } from "../api/failures.ts";
import { getFact, setFact } from "./storage.ts";

const outdated = "push-key-outdated";

/**
 * Have one living subscription that the service knows, and return its id there.
 *
 * `lost` is the endpoint of one that the browser has ended.
 */
export function syncSubscription(
  registration: ServiceWorkerRegistration,
  lost?: string,
): Promise<string> {
  return alone(() => renew(registration, lost));
}

/** Say whether notifications are turned on here. */
export async function areNotificationsWanted(): Promise<boolean> {
  return (await getFact("wanted")) === true;
}

/** Turn notifications on, once the user has allowed them, and return the subscription's id. */
export async function turnNotificationsOn(
  registration: ServiceWorkerRegistration,
): Promise<string> {
  const id = await syncSubscription(registration);
  await setFact("wanted", true);
  return id;
}

/** Turn notifications off, in the browser even if the service cannot be told. */
export function turnNotificationsOff(registration: ServiceWorkerRegistration): Promise<void> {
  return alone(async () => {
    await setFact("wanted", false);
    const kept = await getFact("subscription");
    const there = await registration.pushManager.getSubscription();
    await there?.unsubscribe();
    await setFact("subscription", null);
    if (kept) {
      const path = { subscription_id: kept.id };
      await call(api.DELETE("/v1/subscriptions/{subscription_id}", { params: { path } }));
    }
  });
}

async function renew(
  registration: ServiceWorkerRegistration,
  lost: string | undefined,
): Promise<string> {
  const kept = await getFact("subscription");
  const there = await registration.pushManager.getSubscription();
  const before = lost ?? kept?.endpoint ?? there?.endpoint;
  const key = await readKey();
  const subscription = await subscribeWith(registration, key);
  try {
    return await tell(subscription, key, before);
  } catch (error) {
    if (!(error instanceof Refusal && error.code === outdated)) {
      throw error;
    }
    // The key was exchanged between the two calls.
    await subscription.unsubscribe();
    const newest = await readKey();
    return tell(await subscribeWith(registration, newest), newest, before);
  }
}

async function readKey(): Promise<string> {
  const { application_server_key } = await call(api.GET("/v1/push/key"));
  return application_server_key;
}

async function subscribeWith(
  registration: ServiceWorkerRegistration,
  key: string,
): Promise<PushSubscription> {
  const there = await registration.pushManager.getSubscription();
  if (there && keyOf(there) === key) {
    return there;
  }
  // With another key a browser refuses to subscribe while there is a subscription.
  await there?.unsubscribe();
  return registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: toBytes(key),
  });
}

/** Tell the service; `before` lets it end the one of before at once. */
async function tell(
  subscription: PushSubscription,
  key: string,
  before: string | undefined,
): Promise<string> {
  const { expirationTime = null, keys } = subscription.toJSON();
  const { endpoint } = subscription;
  const body = {
    endpoint,
    expirationTime,
    keys: keys as Schemas["SubscriptionKeysIn"],
    application_server_key: key,
    replaces: before !== undefined && before !== endpoint ? before : null,
  };
  const { id } = await call(api.POST("/v1/subscriptions", { body }));
  await setFact("subscription", { id, endpoint });
  return id;
}

/** Pages and the service worker may be at it at the same time; old browsers have no locks. */
function alone<Result>(work: () => Promise<Result>): Promise<Result> {
  const locks = navigator.locks as LockManager | undefined;
  return locks ? (locks.request("subscription", work) as Promise<Result>) : work();
}

function keyOf(subscription: PushSubscription): string | null {
  const key = subscription.options.applicationServerKey;
  return key ? toBase64url(key) : null;
}

function toBytes(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function toBase64url(buffer: ArrayBuffer): string {
  const text = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
