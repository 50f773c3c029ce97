import { hrefOf } from "../addresses.ts";
import type { Schemas } from "../api/client.ts";
import { isSameDay, moment } from "../languages/formats.ts";
import { t } from "../languages/language.svelte.ts";

/** Whatever may be on at a place. */
export type AnyListing = Schemas["OfferShown"] | Schemas["EventShown"] | Schemas["TaskShown"];

/** Return the address of the page that has all about a listing. */
export function hrefOfListing({ kind, id }: Pick<AnyListing, "kind" | "id">): string {
  switch (kind) {
    case "offer":
      return hrefOf("offer", { offerId: id });
    case "event":
      return hrefOf("event", { eventId: id });
    case "task":
      return hrefOf("task", { taskId: id });
  }
}

/** Say when something is on by the clocks of its place; null where it always is. */
export function whenOf(listing: AnyListing, timeZone: string, now = new Date()): string | null {
  if (listing.kind === "event") {
    return listing.next && moment(listing.next.starts_at, listing.time_zone, now);
  }
  const { from, until } = spanOf(listing, now);
  if (from !== null) {
    return t("listing.from", { when: moment(from, timeZone, now) });
  }
  return until && t("listing.until", { when: moment(until, timeZone, now) });
}

/** Tell whether something is on today, or goes on: not whether it is open just now. */
export function isToday(listing: AnyListing, timeZone: string, now = new Date()): boolean {
  if (listing.kind === "event") {
    const starts = listing.next?.starts_at ?? listing.starts_at;
    return new Date(starts) <= now || isSameDay(starts, now, listing.time_zone);
  }
  const { from } = spanOf(listing, now);
  return from === null || isSameDay(from, now, timeZone);
}

function spanOf(
  listing: Schemas["OfferShown"] | Schemas["TaskShown"],
  now: Date,
): { readonly from: string | null; readonly until: string | null } {
  if (listing.kind === "offer") {
    const { next_on_at, on_until } = listing.standing;
    return { from: next_on_at, until: on_until ?? listing.ends_at };
  }
  const isToCome = new Date(listing.starts_at) > now;
  return { from: isToCome ? listing.starts_at : null, until: listing.ends_at };
}
