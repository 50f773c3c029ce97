/** What a push is made of: a notification, what its click opens, and receipts of what became of it. */

import { addressOf, inbox, messageOf, unreadable, type Message } from "../push/message.ts";
import { keepReceipt, sendReceipts } from "../push/receipts.ts";
import { markSeen, wasSeen, type ReceiptKind } from "../push/storage.ts";
import { areNotificationsWanted, syncSubscription } from "../push/subscribing.ts";
import type { SyncingRegistration } from "./events.ts";

declare const self: ServiceWorkerGlobalScope;

const impatientMs = 1000;
/** Chromium forgets to close what its desktop has not confirmed yet. */
const settleMs = 500;

/** What a notification that is shown keeps. */
interface Kept {
  readonly navigate?: string;
  readonly receipt?: string;
  readonly isOver?: boolean;
}

/** One after another: a copy that came at the same moment would take itself for the first. */
let turn: Promise<unknown> = Promise.resolve();
/** What this worker has seen clicked: closing it is not dismissing it. */
const clicked = new Set<string>();

/** Show what was pushed, and say that it was shown. */
export async function push(event: PushEvent): Promise<void> {
  const message = read(event);
  const shown = turn.then(() => show(message));
  turn = shown.catch(() => undefined);
  await shown;
  await Promise.all([report(message.receipt, "shown"), tellPages()]);
}

/** Open what a notification leads to. */
export async function click({ notification }: NotificationEvent): Promise<void> {
  const { navigate, receipt } = keptIn(notification);
  clicked.add(notification.tag);
  notification.close();
  await Promise.all([open(addressOf(navigate, self.location.origin)), report(receipt, "clicked")]);
}

/** Say that a notification was wiped away, if it was. */
export async function close({ notification }: NotificationEvent): Promise<void> {
  const { tag } = notification;
  const { isOver, receipt } = keptIn(notification);
  // Some browsers also say so of a notification whose place a copy has taken.
  const isReplaced = tag !== "" && (await shownNow(tag)).length > 0;
  if (!isOver && !clicked.has(tag) && !isReplaced) {
    await report(receipt, "dismissed");
  }
}

/** Firefox gives no new subscription and Chrome may give neither, so what is there is looked up. */
export async function resubscribe({ oldSubscription }: PushSubscriptionChangeEvent): Promise<void> {
  if (await areNotificationsWanted()) {
    await syncSubscription(self.registration, oldSubscription?.endpoint);
  }
}

/** Send the receipts that wait; where there is no connection, by Background Sync or the next event. */
export async function flushReceipts(): Promise<void> {
  try {
    await sendReceipts();
  } catch {
    const { sync } = self.registration as SyncingRegistration;
    await sync?.register("receipts").catch(() => undefined);
  }
}

/** A browser that knows declarative messages may have read this one already and give no data. */
function read(event: PushEvent): Message {
  const message = event.data ? messageOf(event.data.text()) : unreadable;
  const { notification } = event as { notification?: Notification | null };
  if (message !== unreadable || !notification) {
    return message;
  }
  const { title, body, lang, dir, tag } = notification;
  return { title, body, lang, dir, tag, ...keptIn(notification) };
}

/**
 * A push service may bring the same notification twice, and the service sends it again when it could
 * not learn what became of it. A copy takes the place of the first and makes no sound. If the first is
 * gone from the screen, somebody has dealt with it: the copy is shown, because Safari counts pushes
 * that show nothing and ends the subscription at the third, and soon closed. That costs one of the
 * sixteen that Firefox, and a little of the budget that Chrome, allows between two visits; copies are
 * rare enough for it.
 */
async function show({ title, tag, navigate, receipt, ...said }: Message): Promise<void> {
  const isOfItsOwn = tag === "" || tag === unreadable.tag;
  const isCopy = !isOfItsOwn && (await soon(wasSeen(tag), false));
  const isOver = isCopy && (await shownNow(tag)).length === 0;
  const options = { ...said, tag, silent: isCopy || null, data: { navigate, receipt, isOver } };
  await self.registration.showNotification(
    title,
    Object.fromEntries(Object.entries(options).filter(([, value]) => value != null)),
  );
  if (isOver) {
    await wait(settleMs);
    for (const notification of await shownNow(tag)) {
      notification.close();
    }
  }
  await soon(markSeen(tag), undefined);
}

async function report(token: string | undefined, kind: ReceiptKind): Promise<void> {
  await keepReceipt(token, kind);
  await flushReceipts();
}

async function tellPages(): Promise<void> {
  for (const page of await self.clients.matchAll({ type: "window" })) {
    page.postMessage("notification");
  }
}

async function open(address: string): Promise<unknown> {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = pages.find((page) => page.url === address);
  if (there) {
    return there.focus();
  }
  const ours = pages.find((page) => new URL(page.url).pathname.startsWith(inbox));
  try {
    // A browser moves only pages that this worker controls.
    const moved = await ours?.navigate(address);
    if (moved) {
      return await moved.focus();
    }
  } catch {
    // Then another one is opened.
  }
  return self.clients.openWindow(address);
}

/** Storage that is slow or broken must not keep a notification from being shown. */
function soon<Value>(promise: Promise<Value>, otherwise: Value): Promise<Value> {
  return Promise.race([promise.catch(() => otherwise), wait(impatientMs).then(() => otherwise)]);
}

function shownNow(tag: string): Promise<Notification[]> {
  return self.registration.getNotifications({ tag });
}

function keptIn(notification: Notification): Kept {
  return (notification.data as Kept | null) ?? {};
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
