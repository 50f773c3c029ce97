"use strict";

// This browser's push subscription, and the service's knowledge of it. A subscription is bound for
// life to the key it was made with (RFC 8292 section 4.2), and browsers end or exchange theirs
// without a word, so both are compared on every load of the page.
const subscribing = (() => {
  const outdated = "push-key-outdated";

  function toBytes(base64url) {
    const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  }

  function toBase64url(buffer) {
    const text = String.fromCharCode(...new Uint8Array(buffer));
    return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  function keyOf(subscription) {
    const key = subscription.options?.applicationServerKey;
    return key ? toBase64url(key) : null;
  }

  async function subscribeWith(registration, key) {
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

  // Tell the service; `replaces` lets it end the one of before at once.
  async function tell(subscription, key, before) {
    const { endpoint, expirationTime, keys } = subscription.toJSON();
    const body = { endpoint, expirationTime, keys, application_server_key: key };
    if (before && before !== endpoint) {
      body.replaces = before;
    }
    const { id } = await calls.call("POST", "/v1/subscriptions", body);
    await storage.set("subscription", { id, endpoint });
    return id;
  }

  async function renew(registration, lost) {
    const kept = await storage.get("subscription");
    const there = await registration.pushManager.getSubscription();
    const before = lost ?? kept?.endpoint ?? there?.endpoint;
    const { application_server_key: key } = await calls.call("GET", "/v1/push/key");
    const subscription = await subscribeWith(registration, key);
    try {
      return await tell(subscription, key, before);
    } catch (error) {
      if (error.code !== outdated) {
        throw error;
      }
      // The key was exchanged between the two calls.
      await subscription.unsubscribe();
      const { application_server_key: newest } = await calls.call("GET", "/v1/push/key");
      return tell(await subscribeWith(registration, newest), newest, before);
    }
  }

  // The page and the service worker may both be at it.
  function alone(work) {
    return navigator.locks ? navigator.locks.request("subscription", work) : work();
  }

  return {
    // Have one living subscription that the service knows; the result is its id there.
    sync: (registration, lost) => alone(() => renew(registration, lost)),

    isWanted: async () => (await storage.get("wanted")) === true,

    turnOn: async (registration) => {
      const id = await subscribing.sync(registration);
      await storage.set("wanted", true);
      return id;
    },

    turnOff: (registration) =>
      alone(async () => {
        await storage.set("wanted", false);
        const kept = await storage.get("subscription");
        const there = await registration.pushManager.getSubscription();
        await there?.unsubscribe();
        await storage.set("subscription", null);
        if (kept) {
          await calls.call("DELETE", `/v1/subscriptions/${kept.id}`);
        }
      }),
  };
})();
