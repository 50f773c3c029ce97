/** Follows where the phone is while the app is on the screen, for as long as that is wanted. */

import { api, call } from "../api/client.ts";
import { asFailure } from "../api/failures.ts";
import { newId } from "../ids.ts";
import { choice } from "./choice.svelte.ts";
import { Sender, type Transition } from "./sender.svelte.ts";
import {
  beatMs,
  between,
  hasMoved,
  isNews,
  isVague,
  keptOf,
  looksClosely,
  pingOf,
  type Fix,
  type Kept,
} from "./thinning.ts";
import { readPermission, Watch, type Hindrance } from "./watch.ts";
import { work } from "./work.svelte.ts";

/** What is done now. */
export type State =
  | "off"
  /** The browser wants to ask once more, for which somebody has to touch something. */
  | "asking"
  /** Another window of this browser does it. */
  | "elsewhere"
  | "on";

/** What came of it last: somebody came to a place, stayed there or left. */
export interface Came {
  readonly kind: "entered" | "dwelled" | "exited";
  readonly placeId: string;
  readonly name: string;
  readonly at: string;
  readonly timeZone: string;
}

const lock = "locating";
const tickMs = 5_000;
/** Until then it is not said that no position comes: phones take their time at first. */
const patienceMs = 20_000;
const breathMs = 10_000;

class Locating {
  state: State = $state("off");
  hindrance: Hindrance | null = $state(null);
  came: Came | null = $state.raw(null);
  readonly sender = new Sender({
    onTransition: (transition) => void this.#tell(transition),
    onOver: (ending) => {
      choice.drop(ending);
    },
    onOffDuty: () => void work.refresh(),
  });
  readonly #watch = new Watch({
    onFix: (fix) => {
      this.#take(fix);
    },
    onHindered: (hindrance) => {
      this.#obstacle = hindrance;
    },
    onForbidden: () => {
      choice.drop(this.#last ? "revoked" : "denied");
    },
  });
  /** Another one for each time it begins or ends, so that what comes late is forgotten. */
  #turn = 0;
  #last: Kept | null = null;
  #stillSince: number | null = null;
  #heardAt = 0;
  #obstacle: Hindrance | null = null;
  /** What ends what has begun, in the order in which it began. */
  #endings: (() => void)[] = [];

  /** Follow where the phone is, or do so no more. */
  want(isWanted: boolean): void {
    this.#end();
    if (isWanted) {
      void this.#begin(++this.#turn);
    } else if (choice.purpose === null) {
      // Nothing more is sent of what was found before.
      void this.sender.forget();
      this.came = null;
      this.#last = null;
    } else {
      void this.sender.send();
    }
  }

  /** Go on, now that the browser may ask. */
  goOn(): void {
    choice.isFresh = true;
    this.want(true);
  }

  async #begin(turn: number): Promise<void> {
    if (!("geolocation" in navigator)) {
      choice.drop("unsupported");
      return;
    }
    const permission = await readPermission();
    if (turn !== this.#turn) {
      return;
    }
    if (permission?.state === "denied") {
      choice.drop("denied");
    } else if (permission?.state === "prompt" && !choice.isFresh) {
      this.state = "asking";
    } else {
      this.#heed(permission);
      await this.#alone(turn);
    }
  }

  /** End it as soon as the browser's settings forbid it. */
  #heed(permission: PermissionStatus | null): void {
    const onchange = (): void => {
      if (permission && permission.state !== "granted") {
        choice.drop(this.#last ? "revoked" : "denied");
      }
    };
    permission?.addEventListener("change", onchange);
    this.#endings.push(() => permission?.removeEventListener("change", onchange));
  }

  /** Begin as soon as no other window does it: twice as many positions tell nothing more. */
  async #alone(turn: number): Promise<void> {
    // The library's types do not know that a page without TLS has none, nor that older browsers do not.
    const locks = navigator.locks as LockManager | undefined;
    if (!locks) {
      this.#start();
      return;
    }
    const waiting = new AbortController();
    const held = new Promise<void>((letGo) => {
      this.#endings.push(letGo);
    });
    this.#endings.push(() => {
      waiting.abort();
    });
    const hold = (granted: Lock | null): Promise<void> | null => {
      if (!granted || turn !== this.#turn) {
        return null;
      }
      this.#start();
      return held;
    };
    const isFree = await locks.request(lock, { ifAvailable: true }, (granted) => granted !== null);
    if (turn !== this.#turn) {
      return;
    }
    this.state = isFree ? this.state : "elsewhere";
    try {
      await locks.request(lock, { signal: waiting.signal }, hold);
    } catch (error) {
      if (!waiting.signal.aborted) {
        throw error;
      }
    }
  }

  #start(): void {
    this.state = "on";
    this.#heardAt = Date.now();
    this.#stillSince = null;
    this.#watch.look(true);
    const ticking = setInterval(() => {
      this.#tick();
    }, tickMs);
    const online = (): void => void this.sender.send();
    addEventListener("online", online);
    this.#endings.push(() => {
      this.#watch.stop();
      clearInterval(ticking);
      removeEventListener("online", online);
    });
  }

  #end(): void {
    this.#turn++;
    this.state = "off";
    this.hindrance = null;
    this.#obstacle = null;
    this.#endings.splice(0).forEach((end) => {
      end();
    });
  }

  #take(fix: Fix): void {
    if (isVague(fix)) {
      this.#obstacle = "vague";
      return;
    }
    choice.isFresh = false;
    this.#heardAt = Date.now();
    this.hindrance = null;
    this.#obstacle = null;
    const last = this.#last;
    if (!isNews(last, fix)) {
      return;
    }
    if (last === null || this.#stillSince === null || hasMoved(last, fix)) {
      this.#stillSince = fix.at;
    }
    this.#last = keptOf(last, fix);
    this.sender.add(pingOf(fix, newId()));
    if (last === null || last.enoughForMs < beatMs) {
      // Whether it is taken in at all is to be known at once, and so is what had been doubted.
      void this.sender.send();
    }
  }

  #tick(): void {
    const now = Date.now();
    void this.sender.sendDue(now);
    if (between(this.#heardAt, now) >= patienceMs + (this.#last ? beatMs : 0)) {
      this.hindrance = this.#obstacle ?? "tooSlow";
    }
    const isClose = looksClosely(this.#stillSince, now);
    const { at, enoughForMs } = this.#last ?? { at: this.#heardAt, enoughForMs: beatMs };
    const isQuiet = between(at, now) >= enoughForMs;
    const isAsked = between(this.#watch.askedAt, now) < breathMs;
    // Many browsers say nothing more of a phone that lies still, until they are asked anew.
    if (isClose !== this.#watch.isClose || (isQuiet && !isAsked)) {
      this.#watch.look(isClose);
    }
  }

  async #tell({ kind, place_id, occurred_at }: Transition): Promise<void> {
    if (kind === "crossed") {
      return;
    }
    try {
      const params = { path: { place_id } };
      const { properties } = await call(api.GET("/v1/places/{place_id}", { params }));
      const { name, time_zone: timeZone } = properties;
      this.came = { kind, placeId: place_id, name, at: occurred_at, timeZone };
    } catch (error) {
      // The visit stands without being told of here.
      asFailure(error);
    }
  }
}

export const locating = new Locating();
