import type { Schemas } from "../api/client.ts";
import { moment } from "../languages/formats.ts";
import { t } from "../languages/language.svelte.ts";

/** Whatever may be on at a place. */
export type AnyListing = Schemas["OfferShown"] | Schemas["EventShown"] | Schemas["TaskShown"];

/** Say when something is on by the clocks of its place; null where it always is. */
export function whenOf(listing: AnyListing, timeZone: string, now = new Date()): string | null {
  if (listing.kind === "event") {
    return listing.next && moment(listing.next.starts_at, listing.time_zone, now);
  }
  if (new Date(listing.starts_at) > now) {
    return t("listing.from", { when: moment(listing.starts_at, timeZone, now) });
  }
  return listing.ends_at && t("listing.until", { when: moment(listing.ends_at, timeZone, now) });
}
