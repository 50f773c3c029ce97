/** The service worker: one for all pages, since a browser has one for a scope, and subscriptions hang on it. */

import { click, close, flushReceipts, push, resubscribe } from "./push.ts";
import { sendReceipts } from "../push/receipts.ts";
import type { SyncEvent } from "./events.ts";

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
  (event as unknown as SyncEvent).waitUntil(sendReceipts());
});
self.addEventListener("install", (event) => {
  event.waitUntil(self.skipWaiting());
});
self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([self.clients.claim(), flushReceipts()]));
});
