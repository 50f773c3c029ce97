import { hrefOf } from "../addresses.ts";
import type { Schemas } from "../api/client.ts";
import type { Key } from "../languages/messages.ts";
import { hrefOfListing } from "../places/listings.ts";

type Subject = Pick<Schemas["NotificationOut"], "about" | "listing_id">;

/** Return where to go for what a message is about, and what that is; null where it is nowhere. */
export function subjectOf({ about, listing_id }: Subject): { href: string; key: Key } | null {
  if (!about) {
    return null;
  }
  if (about.listing_kind !== null && listing_id !== null) {
    const href = hrefOfListing({ kind: about.listing_kind, id: listing_id });
    return { href, key: `message.${about.listing_kind}` };
  }
  return { href: hrefOf("place", { placeId: about.place_id }), key: "message.place" };
}
