/** Return what stands behind the `#`, and take it away: out of the address, and the history. */
export function takeFromHash(): string {
  const told = location.hash.slice(1);
  if (told !== "") {
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return decoded(told);
}

/** Return a part of an address as it was before it became one. */
export function decoded(told: string): string {
  try {
    return decodeURIComponent(told);
  } catch {
    // A percent sign that stands for nothing.
    return told;
  }
}
