/** Where whoever signs in comes from, and goes on to. */

import { addresses, hrefOf } from "../addresses.ts";

interface Address {
  readonly origin: string;
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
}

/** What the service leads back with whoever signed in elsewhere and had nowhere to go on to. */
export const cameBack = "#signed-in";

/** Return the page to sign in on, which leads back here. */
export function signInFrom({ pathname, search, hash }: Omit<Address, "origin">): string {
  return `${hrefOf("signIn")}?next=${encodeURIComponent(pathname + search + hash)}`;
}

/**
 * Return the address to go on to. Whoever sends a link to the page cannot lead people elsewhere:
 * what is not this service's own is null.
 */
export function nextOf({ origin, search }: Pick<Address, "origin" | "search">): string | null {
  const told = new URLSearchParams(search).get("next");
  if (told === null || !URL.canParse(told, origin)) {
    return null;
  }
  const next = new URL(told, origin);
  const isOurs = next.origin === origin && !next.pathname.startsWith("//");
  return isOurs && next.pathname !== addresses.signIn
    ? next.pathname + next.search + next.hash
    : null;
}
