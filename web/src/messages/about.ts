import { hrefOf } from "../addresses.ts";
import type { Schemas } from "../api/client.ts";
import type { Key } from "../languages/messages.ts";

type Subject = Pick<Schemas["NotificationOut"], "about" | "listing_id">;

/** Return where to go for what a message is about, and what that is; null where it is nowhere. */
export function subjectOf({ about, listing_id }: Subject): { href: string; key: Key } | null {
  if (!about) {
    return null;
  }
  if (about.listing_kind === "task" && listing_id !== null) {
    return { href: hrefOf("task", { taskId: listing_id }), key: "message.task" };
  }
  const href = hrefOf("place", { placeId: about.place_id });
  return { href, key: about.listing_kind ? `message.${about.listing_kind}` : "message.place" };
}
