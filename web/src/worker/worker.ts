/** The service worker: one for all pages, since a browser has one for a scope, and subscriptions hang on it. */

import { match } from "../addresses.ts";
import { checkInByLink } from "../checkin/codes.ts";
import { changesWho, keyOf, keysChangedBy } from "../offline/answers.ts";
import { takeThisPage } from "../offline/kept.ts";
import { sendWaiting, syncTag } from "../offline/sending.ts";
import { readWaiting } from "../offline/store.ts";
import { sendReceipts } from "../push/receipts.ts";
import { answer, answerAnew, answerChange, answerWho } from "./answers.ts";
import type { SyncEvent } from "./events.ts";
import { click, close, flushReceipts, push, resubscribe } from "./push.ts";
import { keepShell, openFile, openPage, removeOldShells } from "./shell.ts";

declare const self: ServiceWorkerGlobalScope;

self.addEventListener("push", (event) => {
  event.waitUntil(push(event));
});
self.addEventListener("notificationclick", (event) => {
  event.waitUntil(click(event));
});
self.addEventListener("notificationclose", (event) => {
  event.waitUntil(close(event));
});
self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(resubscribe(event));
});
self.addEventListener("sync" as "message", (event) => {
  const sync = event as unknown as SyncEvent;
  sync.waitUntil(sync.tag === syncTag ? sendAll() : sendReceipts());
});
self.addEventListener("fetch", (event) => {
  const handled = handle(event);
  if (handled) {
    event.respondWith(handled);
  }
});
// At once: open tabs go on with the files of their own build, which are still there.
self.addEventListener("install", (event) => {
  event.waitUntil(Promise.all([self.skipWaiting(), keepShell()]));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([self.clients.claim(), flushReceipts(), removeOldShells()]));
});
self.addEventListener("message", (event) => {
  if (event.data === takeThisPage) {
    event.waitUntil(self.clients.claim());
  }
});

/** Send what waits; the browser has it tried again if some of it is left. */
async function sendAll(): Promise<void> {
  await sendWaiting();
  if ((await readWaiting()).some(({ refused }) => refused === null)) {
    throw new Error("Something still waits.");
  }
}

/** Answer what is to work without signal; null leaves the rest to the browser. */
function handle(event: FetchEvent): Promise<Response> | null {
  const { method, mode, url } = event.request;
  const address = new URL(url);
  if (address.origin !== self.location.origin) {
    return null;
  }
  if (changesWho(method, address)) {
    return answerAnew(event);
  }
  const changed = keysChangedBy(method, address);
  if (changed.length > 0) {
    return answerChange(event, changed);
  }
  if (method !== "GET") {
    return null;
  }
  if (mode === "navigate") {
    const checkIn = checkInByLink(address.pathname);
    if (checkIn !== null) {
      return openLink(event.request, checkIn);
    }
    return match(address.pathname) ? openPage(event) : null;
  }
  if (address.pathname.startsWith("/assets/")) {
    return openFile(event);
  }
  if (address.pathname === "/v1/session") {
    return answerWho(event);
  }
  const key = keyOf(address);
  return key === null ? null : answer(event, key);
}

/** A code leads to a page of the service's; without signal the app checks in with it all the same. */
async function openLink(request: Request, checkIn: string): Promise<Response> {
  try {
    return await fetch(request);
  } catch {
    return Response.redirect(checkIn);
  }
}
