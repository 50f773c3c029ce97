/** What stands over the places that were found, and in their place where there are none. */

import { distance } from "../languages/formats.ts";
import type { Key } from "../languages/messages.ts";
import { t } from "../languages/language.svelte.ts";
import { radiusM, type Wanted } from "./search.svelte.ts";

const headings = {
  position: { all: "near.found", some: "near.foundMore" },
  text: { all: "near.matching", some: "near.matchingMore" },
  name: { all: "near.listed", some: "near.listedMore" },
} satisfies Record<Wanted["by"], { all: Key; some: Key }>;

/** Say how many places were found, and of what. */
export function headingOf(found: {
  readonly wanted: Wanted;
  readonly places: readonly unknown[];
  readonly next: string | null;
}): string {
  const { all, some } = headings[found.wanted.by];
  const text = found.wanted.by === "text" ? found.wanted.text : "";
  return t(found.next === null ? all : some, { count: found.places.length, text });
}

/** Say that there are none. */
export function nothingOf(wanted: Wanted): string {
  switch (wanted.by) {
    case "position":
      return t("near.none", { distance: distance(radiusM) });
    case "text":
      return t("near.noneMatching", { text: wanted.text });
    case "name":
      return t("near.noneListed");
  }
}
