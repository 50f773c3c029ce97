/** How somebody stands with a listing, in a few words for a list. */

import type { Schemas } from "../api/client.ts";
import { t } from "../languages/language.svelte.ts";
import type { AnyListing } from "./listings.ts";

export interface Told {
  readonly text: string;
  /** Whether it is good news, bad news or neither. */
  readonly is: "good" | "bad" | "plain";
}

/** Say how somebody stands with a listing; null where there is nothing to say. */
export function standingIn(listing: AnyListing): Told | null {
  switch (listing.kind) {
    case "offer":
      return ofOffer(listing.standing);
    case "event":
      return listing.next && ofTime(listing.next, listing.yours, listing.sign_up);
    case "task":
      return null;
  }
}

function ofOffer({ left, yours_left }: Schemas["StandingOut"]): Told | null {
  if (yours_left === 0) {
    return { text: t("offer.hadAll"), is: "plain" };
  }
  if (left === 0) {
    return { text: t("listing.gone"), is: "bad" };
  }
  return left === null ? null : { text: t("offer.left", { count: left }), is: "plain" };
}

/** Say how somebody stands at one time of an event. */
export function ofTime(
  time: Schemas["OccurrenceOut"],
  yours: Schemas["EventSignUpOut"] | null,
  signUp: Schemas["EventShown"]["sign_up"],
): Told | null {
  if (time.cancelled) {
    return { text: t("listing.cancelled"), is: "bad" };
  }
  if (yours?.state === "going") {
    return { text: t("event.going"), is: "good" };
  }
  if (yours) {
    return { text: t("event.waiting", { count: yours.position ?? 1 }), is: "plain" };
  }
  if (signUp === "none") {
    return { text: t("event.justCome"), is: "plain" };
  }
  if (isFull(time)) {
    const isFirst = time.waiting === 0;
    const text = isFirst ? t("event.fullOnly") : t("event.full", { count: time.waiting });
    return { text, is: "plain" };
  }
  return time.places_left === null
    ? null
    : { text: t("event.placesLeft", { count: time.places_left }), is: "plain" };
}

/** Tell whether whoever signs up now has to wait. */
export function isFull({ places_left }: Schemas["OccurrenceOut"]): boolean {
  return places_left === 0;
}
