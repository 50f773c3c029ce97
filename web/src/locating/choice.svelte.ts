/**
 * Whether this browser tells where it is while the app is open. That is chosen in it, and counts in
 * it alone: nothing is looked up on load that was not chosen before.
 */

import type { Schemas } from "../api/client.ts";

/** What somebody agreed to be located for. */
export type Purpose = Extract<Schemas["Purpose"], "nearby" | "staff-tasks">;

/** Why it came to an end. */
export type Ending =
  "stopped" | "denied" | "revoked" | "withdrawn" | "unknown" | "unsupported" | "placesOnly";

const keptPurpose = "locating";
const keptWork = "work-phone";

class Choice {
  /** What this browser tells where it is for; null where it does not. */
  purpose: Purpose | null = $state(purposeOf(recall(keptPurpose)));
  /** Whether its user is one of the staff, who is told whether they are being located. */
  isWorkPhone = $state(recall(keptWork) !== null);
  ending: Ending | null = $state(null);
  /** Whether it was chosen just now, so that the browser may ask for its permission. */
  isFresh = false;
  /** Whether there is, or was, anything to show of it since the app was opened. */
  hasBegun = $state(this.purpose !== null || this.isWorkPhone);

  /** Do as another window does, where the same choice counts; returns what ends that. */
  follow(): () => void {
    const follow = ({ key, newValue }: StorageEvent): void => {
      if (key === keptPurpose) {
        this.#set(purposeOf(newValue));
      }
    };
    addEventListener("storage", follow);
    return () => {
      removeEventListener("storage", follow);
    };
  }

  /** Tell where this browser is from now on. */
  take(purpose: Purpose): void {
    this.isFresh = true;
    this.ending = null;
    this.#set(purpose);
    keep(keptPurpose, purpose);
  }

  /** Tell it no more, and why; nothing changes where it was not told. */
  drop(ending: Ending): void {
    if (this.purpose !== null) {
      this.ending = ending;
      this.#set(null);
      keep(keptPurpose, null);
    }
  }

  /** Note whether its user is one of the staff. */
  setWorkPhone(isOne: boolean): void {
    this.isWorkPhone = isOne;
    this.hasBegun ||= isOne;
    keep(keptWork, isOne ? "yes" : null);
  }

  #set(purpose: Purpose | null): void {
    this.purpose = purpose;
    this.hasBegun ||= purpose !== null;
  }
}

function purposeOf(kept: string | null): Purpose | null {
  return kept === "nearby" || kept === "staff-tasks" ? kept : null;
}

function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, value: string | null): void {
  try {
    if (value === null) {
      localStorage.removeItem(key);
    } else {
      localStorage.setItem(key, value);
    }
  } catch {
    // Full or forbidden: then it counts until the page is left.
  }
}

export const choice = new Choice();
