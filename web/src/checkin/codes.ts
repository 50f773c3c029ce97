/** Return the link of the code that stands behind an address's `#`, as it was scanned; null without. */
export function linkOfCode({ origin, hash }: { origin: string; hash: string }): string | null {
  const token = hash.slice(1);
  return /^[\w.~-]+$/.test(token) ? `${origin}/C/${token}` : null;
}
