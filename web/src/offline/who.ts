/** Whose browser this is, as far as the service said last: it is asked without signal too. */

import type { Browser } from "../api/client.ts";

/** The ids of the device that the browser is, and of the member who is signed in. */
export interface Who {
  readonly device: string | null;
  readonly member: string | null;
}

/** Who does something here. */
export interface Doer extends Who {
  /** The member who was signed in last and has not signed out: sessions end by themselves. */
  readonly signedInLast?: string | null;
}

const name = "who";
/** For where nothing can be kept. */
let last: Doer = { device: null, member: null };
type Ids = { readonly [Name in keyof Who]: { readonly id: string } | null };

interface Storage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
}

/** Throws where there is none, as in a service worker. */
function storage(): Storage {
  return (globalThis as unknown as { localStorage: Storage }).localStorage;
}

/** Return who a browser is, of what the service says of it. */
export function whoOf({ device, member }: Ids | Browser): Who {
  return { device: device?.id ?? null, member: member?.id ?? null };
}

/** Remember who this browser is; a service worker has nowhere to, and asks each time. */
export function rememberWho(ids: Ids | Browser): void {
  const who = whoOf(ids);
  const { member, signedInLast } = recallWho();
  keep({ ...who, signedInLast: who.member ?? member ?? signedInLast ?? null });
}

/** Forget who was signed in: they have signed out, and what is done from now on is not theirs. */
export function forgetMember(): void {
  keep({ ...recallWho(), member: null, signedInLast: null });
}

/** Return who this browser was when the service was asked last. */
export function recallWho(): Doer {
  try {
    return { ...last, ...(JSON.parse(storage().getItem(name) ?? "{}") as Partial<Doer>) };
  } catch {
    return last;
  }
}

function keep(doer: Doer): void {
  last = doer;
  try {
    storage().setItem(name, JSON.stringify(doer));
  } catch {
    // Full or forbidden: then it is known as long as the page stands.
  }
}
