/** Where messages lie. */

import type { Schemas } from "../api/client.ts";

type Lying = Pick<Schemas["NotificationOut"], "archived_at" | "snoozed_until">;

export const folders = ["inbox", "snoozed", "archive"] as const;
export type Folder = (typeof folders)[number];

/** Return the folder that an address asks for. */
export function folderOf(search: string): Folder {
  const told = new URLSearchParams(search).get("folder");
  return folders.find((folder) => folder === told) ?? "inbox";
}

/** Return in which folder a message lies now. */
export function liesIn({ archived_at, snoozed_until }: Lying): Folder {
  if (archived_at !== null) {
    return "archive";
  }
  return snoozed_until === null ? "inbox" : "snoozed";
}
