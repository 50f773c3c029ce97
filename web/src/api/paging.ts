/** What goes on from where a page ended; empty for the first. */
export interface From {
  readonly cursor?: string;
}

/** Return what asks for the page at an address that one before it gave; for the first where none did. */
export function pageAt(next: string | null): From {
  const cursor = next && new URL(next, location.origin).searchParams.get("cursor");
  return cursor ? { cursor } : {};
}

/** Return what is there with what comes after it. What has moved meanwhile comes twice, and is there once. */
export function joined<Item extends { readonly id: string }>(
  before: readonly Item[],
  after: readonly Item[],
): readonly Item[] {
  const known = new Set(before.map(({ id }) => id));
  return [...before, ...after.filter(({ id }) => !known.has(id))];
}
