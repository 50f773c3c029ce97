"use strict";

importScripts("/pages/storage.js", "/pages/calls.js", "/pages/receipts.js", "/pages/subscribing.js");

const start = "/notifications";
const impatientMs = 1000;
// Chromium forgets to close what its desktop has not confirmed yet.
const settleMs = 500;

// Every push has to show something (`userVisibleOnly`), or browsers take the permission away.
const unreadable = {
  title: "There is something new for you",
  body: "Open it to see what it is.",
  navigate: start,
  tag: "unreadable",
};

// A browser that knows declarative messages may have read this one already and give no data.
function read(event) {
  try {
    const { title, body, lang, dir, tag, navigate, data } =
      event.data?.json().notification ?? event.notification;
    if (typeof title !== "string" || title === "") {
      return unreadable;
    }
    return { title, body, lang, dir, tag, navigate, receipt: data?.receipt };
  } catch {
    return unreadable;
  }
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// Storage that is slow or broken must not keep a notification from being shown.
function soon(promise, otherwise) {
  return Promise.race([promise.catch(() => otherwise), wait(impatientMs).then(() => otherwise)]);
}

function shownNow(tag) {
  return self.registration.getNotifications({ tag });
}

// A push service may bring the same notification twice, and the service sends it again when it
// could not learn what became of it. A copy takes the place of the first and makes no sound. If the
// first is gone from the screen, somebody has dealt with it: the copy is shown, because Safari
// counts pushes that show nothing and ends the subscription at the third, and soon closed. That
// costs one of the sixteen that Firefox, and a little of the budget that Chrome, allows between two
// visits; copies are rare enough for it.
async function show({ title, body, lang, dir, tag, navigate, receipt }) {
  const isCopy = tag !== unreadable.tag && (await soon(storage.wasSeen(tag), false));
  const isOver = isCopy && (await shownNow(tag)).length === 0;
  const options = { body, lang, dir, tag, silent: isCopy || null, data: { navigate, receipt, isOver } };
  await self.registration.showNotification(
    title,
    Object.fromEntries(Object.entries(options).filter(([, value]) => value != null)),
  );
  if (isOver) {
    await wait(settleMs);
    (await shownNow(tag)).forEach((notification) => notification.close());
  }
  await soon(storage.markSeen(tag));
}

async function report(token, kind) {
  await receipts.keep(token, kind);
  await flush();
}

async function flush() {
  try {
    await receipts.flush();
  } catch {
    // Where there is no Background Sync, the next event or the next visit tries again.
    await self.registration.sync?.register("receipts").catch(() => {});
  }
}

async function tellPages() {
  for (const page of await self.clients.matchAll({ type: "window" })) {
    page.postMessage("notification");
  }
}

// Links of others are not followed, whatever a message says.
function addressOf(navigate) {
  const home = new URL(start, self.location.origin);
  try {
    const address = new URL(navigate, self.location.origin);
    return address.origin === home.origin ? address.href : home.href;
  } catch {
    return home.href;
  }
}

async function open(address) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = pages.find((page) => page.url === address);
  if (there) {
    return there.focus();
  }
  const ours = pages.find((page) => new URL(page.url).pathname.startsWith(start));
  try {
    // A browser moves only pages that this worker controls.
    return await (await ours.navigate(address)).focus();
  } catch {
    return self.clients.openWindow(address);
  }
}

// One after another: a copy that came at the same moment would take itself for the first.
let turn = Promise.resolve();
// What this worker has seen clicked: closing it is not dismissing it.
const clicked = new Set();

self.addEventListener("push", (event) => {
  const message = read(event);
  const shown = turn.then(() => show(message));
  turn = shown.catch(() => {});
  event.waitUntil(shown.then(() => Promise.all([report(message.receipt, "shown"), tellPages()])));
});

self.addEventListener("notificationclick", (event) => {
  const { tag, data } = event.notification;
  clicked.add(tag);
  event.notification.close();
  event.waitUntil(Promise.all([open(addressOf(data?.navigate)), report(data?.receipt, "clicked")]));
});

self.addEventListener("notificationclose", (event) => {
  const { tag, data } = event.notification;
  event.waitUntil(
    (async () => {
      // Some browsers also say so of a notification whose place a copy has taken.
      const isReplaced = tag !== "" && (await shownNow(tag)).length > 0;
      if (!data?.isOver && !clicked.has(tag) && !isReplaced) {
        await report(data?.receipt, "dismissed");
      }
    })(),
  );
});

// Firefox gives no new subscription and Chrome may give neither, so what is there is looked up.
self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(
    (async () => {
      if (await subscribing.isWanted()) {
        await subscribing.sync(self.registration, event.oldSubscription?.endpoint);
      }
    })(),
  );
});

self.addEventListener("sync", (event) => {
  event.waitUntil(receipts.flush());
});

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([self.clients.claim(), flush()]));
});
