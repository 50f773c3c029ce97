/** The id with which somebody redeems an offer themselves: one for all tabs until it is done. */

import { newId } from "../ids.ts";

const nameOf = (offerId: string): string => `redeeming ${offerId}`;

/** Return the id that this phone redeems the offer with, in whichever tab it is touched. */
export function idFor(offerId: string, storage: Storage | null = storageIfAny()): string {
  const id = storage?.getItem(nameOf(offerId)) ?? newId();
  try {
    storage?.setItem(nameOf(offerId), id);
  } catch {
    // Full: then it counts for this tab.
  }
  return id;
}

/** Let the next time be another one, for whoever may have more. */
export function begunAnew(offerId: string, storage: Storage | null = storageIfAny()): void {
  storage?.removeItem(nameOf(offerId));
}

function storageIfAny(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
