import type { Key } from "../languages/messages.ts";
import { NoAnswer, type Failure } from "./failures.ts";

export interface Words {
  readonly key: Key;
  /** What the service says of it in its own words; null where ours say it all. */
  readonly detail: string | null;
}

const serverErrors = 500;

/** Return what to tell people of a call that failed. */
export function wordsOf(failure: Failure): Words {
  if (failure instanceof NoAnswer) {
    return {
      key: failure.reason === "offline" ? "failure.offline" : "failure.tooSlow",
      detail: null,
    };
  }
  if (failure.code === "unauthenticated") {
    return { key: "failure.nobody", detail: null };
  }
  if (failure.code === "csrf") {
    return { key: "failure.changed", detail: null };
  }
  if (failure.code === "too-many-requests") {
    return { key: "failure.tooOften", detail: null };
  }
  if (failure.status >= serverErrors) {
    return { key: "failure.service", detail: null };
  }
  return { key: "failure.refused", detail: failure.message };
}
