/** What of the places is shown on "near me", and how the address says so. */

export interface Filters {
  readonly openNow: boolean;
  readonly onToday: boolean;
}

export const unfiltered: Filters = { openNow: false, onToday: false };

/** Read what an address asks for: its filters, and the text that was looked for. */
export function readAsked(search: string): { filters: Filters; text: string } {
  const asked = new URLSearchParams(search);
  return {
    filters: { openNow: asked.has("open"), onToday: asked.has("today") },
    text: asked.get("q") ?? "",
  };
}

/** Return what an address says of filters and a text, so that the way back leads to the same. */
export function searchOf({ openNow, onToday }: Filters, text: string): string {
  const asked = new URLSearchParams({
    ...(text === "" ? {} : { q: text }),
    ...(openNow ? { open: "" } : {}),
    ...(onToday ? { today: "" } : {}),
  });
  return asked.size === 0 ? "" : `?${asked}`;
}
