/** How far lists were opened, so that the way back leads to as much of them. */

interface Opened {
  /** How many of a list were there. */
  count: number;
}

const all = new Map<string, Opened>();

/** Return how far a list was opened on the visit that the browser's history is at. */
export function openedHere(name: string): Opened {
  const kept = history.state as { readonly visit?: string } | null;
  const key = `${kept?.visit ?? ""} ${name}`;
  const found = all.get(key) ?? { count: 0 };
  all.set(key, found);
  return found;
}
