import { hrefOf } from "../addresses.ts";

/** Return the link of the code that stands behind an address's `#`, as it was scanned; null without. */
export function linkOfCode({ origin, hash }: { origin: string; hash: string }): string | null {
  const token = hash.slice(1);
  return /^[\w.~-]+$/.test(token) ? `${origin}/C/${token}` : null;
}

/** Return where the app checks in with the code of a link, by the link's path; null where it is none. */
export function checkInByLink(path: string): string | null {
  const token = /^\/C\/([\w.~-]+)$/.exec(path)?.[1];
  return token === undefined ? null : `${hrefOf("checkIn")}#${token}`;
}
