/**
 * What somebody has typed and not sent yet: it is still there once they have signed in, and nobody
 * else who signs in sees it.
 */

import { whoActs } from "./api/client.ts";
import { recallWho } from "./offline/who.ts";

const begins = "draft/";
/** Whose they are: the id of a member; empty of whoever is none. */
const owner = "draft-of";

/** Return what was typed there before. */
export function recall(name: string): string {
  const member = recallWho().member ?? "";
  try {
    if ((sessionStorage.getItem(owner) ?? "") === member) {
      return sessionStorage.getItem(begins + name) ?? "";
    }
  } catch {
    return "";
  }
  if (member !== "") {
    forgetDrafts();
  }
  return "";
}

/** Keep what is typed until the tab is closed; nothing is kept of an empty field. */
export function keep(name: string, words: string): void {
  try {
    if (words === "") {
      sessionStorage.removeItem(begins + name);
    } else {
      sessionStorage.setItem(begins + name, words);
      sessionStorage.setItem(owner, whoActs().member ?? "");
    }
  } catch {
    // Full or forbidden: then it is kept while the page stands.
  }
}

/** Return how a form was left; null where it was not changed. */
export function recallForm(name: string): unknown {
  const left = recall(name);
  return left === "" ? null : JSON.parse(left);
}

/** Keep how a form is left, unless it is as it began. */
export function keepForm(name: string, form: unknown, before: unknown): void {
  const [now, then] = [JSON.stringify(form), JSON.stringify(before)];
  keep(name, now === then ? "" : now);
}

/** Keep none of it any more. */
export function forgetDrafts(): void {
  try {
    for (const name of Object.keys(sessionStorage).filter((one) => one.startsWith(begins))) {
      sessionStorage.removeItem(name);
    }
  } catch {
    // Then nothing was kept either.
  }
}
