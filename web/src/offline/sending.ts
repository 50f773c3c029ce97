/** Sending what waits, one thing after the other, from whichever page or worker has the turn. */

import { api, becomeDevice, boundTo, call, readBrowser, type Schemas } from "../api/client.ts";
import { asFailure, Refusal, type Failure } from "../api/failures.ts";
import { refusalOf } from "../api/sending.ts";
import { sendChange, type Work } from "../tasks/changes.ts";
import { changeWaiting, readWaiting, removeWaiting } from "./store.ts";
import {
  failureOf,
  goesWhenRefused,
  isStale,
  leftToMember,
  nextAfter,
  nextOf,
  type Matter,
  type Waiting,
} from "./waiting.ts";
import { whoOf, type Who } from "./who.ts";

/** Tells all pages of the app that the queue is another. */
export const channelName = "unsent";

/** By which Background Sync knows it. */
export const syncTag = "unsent";

/** A check-in as young as this is told without its time, which the phone's clock may have wrong. */
const freshMs = 60_000;
/** A photo takes longer than words. */
const photoMs = 120_000;

/** What the service says to what is sent. */
export type Answer =
  Schemas["CheckInAnswer"] | Schemas["FileOut"] | Schemas["PingsOut"] | Work | null;

/** What became of something that was to be sent. */
export type Outcome =
  | { readonly is: "sent"; readonly answer: Answer }
  | { readonly is: "refused"; readonly failure: Failure }
  /** Kept until it can be sent. */
  | { readonly is: "waiting" };

/** Who the browser is, and what shows that a request is theirs. */
interface Sender {
  readonly who: Who;
  readonly token: string | null;
}

/**
 * Send what can be sent, and return what became of one of it, if that is asked for.
 *
 * One page or worker does so at a time. In browsers that have no locks the service takes what comes
 * twice as one.
 */
export function sendWaiting(asked: number | null = null): Promise<Outcome> {
  const locks = navigator.locks as LockManager | undefined;
  const work = (): Promise<Outcome> => sendInTurn(asked);
  return locks ? locks.request("unsent", work).then((outcome) => outcome) : work();
}

/** Send one thing that could not be kept, as whoever this browser is. */
export async function sendAtOnce(matter: Matter): Promise<Answer> {
  return transmit(matter, await senderFor(matter, await readSender()));
}

async function sendInTurn(asked: number | null): Promise<Outcome> {
  let outcome: Outcome = { is: "waiting" };
  let sender: Sender | null = null;
  const stale = (await readWaiting()).filter((one) => isStale(one, Date.now()));
  await removeWaiting(stale.map(({ order }) => order));
  for (;;) {
    const all = await readWaiting();
    const mine = all.find(({ order }) => order === asked);
    if (asked !== null && outcome.is === "waiting" && !mine) {
      // Another page had the turn, and has sent it.
      outcome = { is: "sent", answer: null };
    }
    const failure = mine ? failureOf(mine) : null;
    if (failure) {
      outcome = { is: "refused", failure };
    }
    if (all.length === 0) {
      return outcome;
    }
    try {
      sender ??= await readSender();
    } catch (error) {
      asFailure(error);
      return outcome;
    }
    const next = nextOf(all, sender.who, Date.now());
    if (!next) {
      return outcome;
    }
    const made = await attempt(next, sender);
    if (next.order === asked) {
      outcome = made.outcome;
    }
    if (made.isOver) {
      return outcome;
    }
    // Whoever checks in for the first time is a device from then on.
    sender = made.sender;
  }
}

async function attempt(
  one: Waiting,
  before: Sender,
): Promise<{ outcome: Outcome; isOver: boolean; sender: Sender }> {
  let sender = before;
  try {
    sender = await senderFor(one.matter, before);
    const answer = await transmit(one.matter, sender);
    await removeWaiting([one.order]);
    return { outcome: { is: "sent", answer }, isOver: false, sender };
  } catch (error) {
    const failure = asFailure(error);
    const left = leftToMember(one, sender.who, failure);
    if (left) {
      await changeWaiting(left);
      return { outcome: { is: "waiting" }, isOver: false, sender };
    }
    const attempts = one.attempts + 1;
    const next = nextAfter(failure, attempts, Date.now());
    if (next.is === "refused" && failure instanceof Refusal) {
      const { status, problem } = failure;
      await (goesWhenRefused(one.matter)
        ? removeWaiting([one.order])
        : changeWaiting({ ...one, attempts, refused: { status, problem } }));
      return { outcome: { is: "refused", failure }, isOver: false, sender };
    }
    const notBefore = next.is === "wait" ? next.notBefore : 0;
    await changeWaiting({ ...one, attempts, notBefore });
    return { outcome: { is: "waiting" }, isOver: true, sender };
  } finally {
    tell();
  }
}

/** Tell the other pages that the queue is another. */
export function tell(): void {
  const channel = new BroadcastChannel(channelName);
  channel.postMessage(null);
  channel.close();
}

async function readSender(): Promise<Sender> {
  // It is tried again soon; until then somebody is to know that it waits.
  const browser = await readBrowser({ isRepeatable: false });
  return { who: whoOf(browser), token: browser.csrf_token };
}

async function senderFor(matter: Matter, sender: Sender): Promise<Sender> {
  if (matter.is !== "check-in" || sender.who.device !== null) {
    return sender;
  }
  await becomeDevice();
  return readSender();
}

async function transmit(matter: Matter, { token }: Sender): Promise<Answer> {
  const fetch = boundTo(token, matter.is === "photo" ? { giveUpAfterMs: photoMs } : {});
  switch (matter.is) {
    case "check-in": {
      const { id, target, position, at } = matter;
      const place = "code" in target ? { code: target.code } : { place_id: target.placeId };
      const claimed_at = Date.now() - Date.parse(at) < freshMs ? null : at;
      const body = { id, position, claimed_at, ...place };
      return call(api.POST("/v1/check-ins", { body, fetch }));
    }
    case "change":
      return sendChange(matter.change, fetch);
    case "photo":
      return sendPhoto(matter, fetch);
    case "pings":
      return call(api.POST("/v1/pings", { body: { pings: [...matter.pings] }, fetch }));
  }
}

async function sendPhoto(
  { taskId, photo }: Extract<Matter, { is: "photo" }>,
  fetch: (request: Request) => Promise<Response>,
): Promise<Schemas["FileOut"]> {
  const response = await fetch(
    new Request(`/v1/tasks/${encodeURIComponent(taskId)}/photos`, {
      method: "POST",
      headers: { "Content-Type": photo.type },
      body: photo,
    }),
  );
  if (!response.ok) {
    throw await refusalOf(response);
  }
  return (await response.json()) as Schemas["FileOut"];
}
