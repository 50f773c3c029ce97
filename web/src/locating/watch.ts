/** Looks where the phone is, again and again, as long as the app is on the screen. */

import type { Fix } from "./thinning.ts";
import { fixOf } from "./thinning.ts";

export type Hindrance = "unavailable" | "tooSlow" | "vague";

export interface Watched {
  readonly onFix: (fix: Fix) => void;
  readonly onHindered: (hindrance: Hindrance) => void;
  /** Called where the browser does not, or no longer, say where it is. */
  readonly onForbidden: () => void;
}

const denied = 1;
const timedOut = 3;
const timeoutMs = 30_000;

export class Watch {
  /** When the phone was asked last, by its own clock. */
  askedAt = 0;
  isClose = true;
  #id: number | null = null;
  readonly #watched: Watched;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Look from now on, closely or not; a phone that was looked at already is asked anew. */
  look(isClose: boolean): void {
    this.stop();
    this.isClose = isClose;
    this.askedAt = Date.now();
    this.#id = navigator.geolocation.watchPosition(
      (position) => {
        this.#watched.onFix(fixOf(position, Date.now()));
      },
      ({ code }) => {
        if (code === denied) {
          this.#watched.onForbidden();
        } else {
          this.#watched.onHindered(code === timedOut ? "tooSlow" : "unavailable");
        }
      },
      { enableHighAccuracy: isClose, timeout: timeoutMs, maximumAge: 0 },
    );
  }

  stop(): void {
    if (this.#id !== null) {
      navigator.geolocation.clearWatch(this.#id);
      this.#id = null;
    }
  }
}

/** Return whether the browser lets us see where it is; null where it does not say. */
export async function readPermission(): Promise<PermissionStatus | null> {
  try {
    return await navigator.permissions.query({ name: "geolocation" });
  } catch {
    // Older browsers have no such question, or not about this.
    return null;
  }
}
