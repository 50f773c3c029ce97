/** Return what the address of the next page goes on from; null on the last. */
export function cursorOf(next: string | null): string | null {
  return next && new URL(next, location.origin).searchParams.get("cursor");
}
