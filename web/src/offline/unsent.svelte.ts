/** What waits to be sent, as pages show it and add to it. */

import { whoActs } from "../api/client.ts";
import { asFailure } from "../api/failures.ts";
import { channelName, sendAtOnce, sendWaiting, syncTag, tell, type Outcome } from "./sending.ts";
import { changeWaiting, keepWaiting, readWaiting, removeWaiting } from "./store.ts";
import {
  count,
  inOrder,
  pauseOf,
  standingOf,
  taskOf,
  withAllBehind,
  type Counts,
  type Matter,
  type New,
  type Standing,
  type Waiting,
} from "./waiting.ts";
import { recallWho, type Who } from "./who.ts";

interface Syncing {
  readonly sync?: { register(tag: string): Promise<void> };
}

class Unsent {
  /** In the order in which it was done; what is on its way for the first time does not count. */
  all: readonly Waiting[] = $state.raw([]);
  /** Whether it is known what waits. */
  isRead = $state(false);
  /** Whether the last thing could not be kept: the storage is full, or forbidden. */
  hasNoRoom = $state(false);
  /** Whether all that waited has been sent while the page was open. */
  isAllSent = $state(false);
  #who: Who = $state.raw(recallWho());
  readonly counts: Counts = $derived(count(this.all, this.#who));
  #onItsWay: ReadonlySet<number> = new Set();
  #hasWaited = false;
  #inVain = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isWatching = false;

  /** Say no longer that all has been sent, once it was seen. */
  wasSeen(): void {
    this.isAllSent = false;
  }

  /** Send what waits whenever there may be signal again, as long as the page is open. */
  watch(): void {
    if (this.#isWatching) {
      return;
    }
    this.#isWatching = true;
    new BroadcastChannel(channelName).addEventListener("message", () => void this.#read());
    const hopeful = (): void => {
      this.#inVain = 0;
      void this.send();
    };
    addEventListener("online", hopeful);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        hopeful();
      }
    });
    hopeful();
  }

  /**
   * Do something, now or as soon as it can be sent.
   *
   * What the service does not take is told to whoever did it, here, and does not wait any longer.
   * Where nothing can be kept it is sent at once, or not at all.
   */
  async submit(done: New): Promise<Outcome> {
    let order: number;
    try {
      const by = whoActs();
      order = await keepWaiting({ ...done, by, attempts: 0, notBefore: 0, refused: null });
      this.hasNoRoom = false;
    } catch {
      this.hasNoRoom = true;
      return tryOnce(done.matter);
    }
    this.#onItsWay = new Set([...this.#onItsWay, order]);
    const outcome = await this.send(order);
    this.#onItsWay = new Set([...this.#onItsWay].filter((one) => one !== order));
    if (outcome.is === "refused") {
      await removeWaiting([order]);
    } else if (outcome.is === "waiting") {
      await askForSync();
    }
    tell();
    await this.#read();
    this.watch();
    return outcome;
  }

  /** Send what can be sent, and return what became of one of it, if that is asked for. */
  async send(order: number | null = null): Promise<Outcome> {
    clearTimeout(this.#timer);
    let outcome: Outcome = { is: "waiting" };
    try {
      outcome = await sendWaiting(order);
    } catch (error) {
      // The storage does not answer: the next attempt may find it better.
      if (!(error instanceof DOMException)) {
        throw error;
      }
    }
    await this.#read();
    this.#again();
    return outcome;
  }

  /** Send what can be sent, however short a while ago that was in vain. */
  async sendNow(): Promise<void> {
    for (const one of this.all.filter(({ notBefore }) => notBefore > 0)) {
      await changeWaiting({ ...one, notBefore: 0 });
    }
    await this.send();
  }

  /** Try once more what was refused. */
  async retry(one: Waiting): Promise<void> {
    await changeWaiting({ ...one, refused: null, notBefore: 0 });
    await this.send();
  }

  /** Say what something that was not refused waits for. */
  standingOf(one: Waiting): Standing {
    return standingOf(one, this.all, this.#who);
  }

  /** Tell whether something that was done to a task waits for whoever did it to sign in. */
  needsSignIn(taskId: string): boolean {
    return this.all.some(
      (one) => taskOf(one.matter) === taskId && this.standingOf(one) === "elsewhere",
    );
  }

  /** Return what is given up together with something. */
  behind(one: Waiting): readonly Waiting[] {
    return withAllBehind(this.all, one);
  }

  /** Give something up, with what makes no sense without it. */
  async leave(one: Waiting): Promise<void> {
    await removeWaiting(this.behind(one).map(({ order }) => order));
    this.#hasWaited = false;
    tell();
    await this.send();
  }

  /** Give up on all of a kind. */
  async leaveAll(kind: Matter["is"]): Promise<void> {
    const some = (await readWaiting()).filter(({ matter }) => matter.is === kind);
    if (some.length > 0) {
      await removeWaiting(some.map(({ order }) => order));
      this.#hasWaited = false;
      tell();
      await this.#read();
    }
  }

  async #read(): Promise<void> {
    this.#who = recallWho();
    try {
      const all = inOrder(await readWaiting());
      this.all = all.filter(({ order }) => !this.#onItsWay.has(order));
    } catch {
      // Nothing can be kept here, so nothing waits.
      this.all = [];
    }
    this.isRead = true;
    this.isAllSent = this.all.length === 0 && (this.#hasWaited || this.isAllSent);
    this.#hasWaited = this.all.length > 0;
  }

  /** Without Background Sync nobody else says when there is signal, and `online` only means a network. */
  #again(): void {
    if (this.counts.waiting === 0) {
      this.#inVain = 0;
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.send(), pauseOf(this.#inVain));
    this.#inVain += 1;
  }
}

async function tryOnce(matter: Matter): Promise<Outcome> {
  try {
    return { is: "sent", answer: await sendAtOnce(matter) };
  } catch (error) {
    return { is: "refused", failure: asFailure(error) };
  }
}

/** Have the browser send it when there is signal, also once the page is closed, where it can. */
async function askForSync(): Promise<void> {
  try {
    const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
    const registration = await serviceWorker?.getRegistration();
    await (registration as Syncing | undefined)?.sync?.register(syncTag);
  } catch {
    // It is sent when the app is open.
  }
}

export const unsent = new Unsent();
