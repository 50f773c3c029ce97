/** What an offer says, and why somebody cannot have it now, in words. */

import { api, call, type Schemas } from "../api/client.ts";
import { moment, onDate, timeOfDay } from "../languages/formats.ts";
import { knows, t } from "../languages/language.svelte.ts";

export type Offer = Schemas["SingleOfferOut"];

export function readOffer(offerId: string): Promise<Offer> {
  return call(api.GET("/v1/offers/{offer_id}", { params: { path: { offer_id: offerId } } }));
}

/** Return an offer as it is once somebody has used it themselves, as far as the answer to that says. */
export function used(offer: Offer, made: Schemas["RedeemedOut"]): Offer {
  const { redemption_id: id, offer_id, place_id, title } = made;
  const redeemed_at = made.redeemed_at ?? new Date().toISOString();
  const place_name = offer.place.name;
  const when = { made_at: redeemed_at, expires_at: null, redeemed_at };
  return { ...offer, yours: { id, offer_id, place_id, place_name, title, ...when } };
}

/** Tell whether there is a code of theirs that staff may still take. */
export function hasCode({ yours }: Offer): boolean {
  return yours !== null && yours.redeemed_at === null;
}

/** Say why somebody cannot have an offer now, as the service refuses it. */
export function hindranceOf(
  offer: Pick<Offer, "evidence_needed" | "place">,
  code: string,
  possibleAt: string | null,
  now = new Date(),
): string {
  if (code === "offer-locked") {
    return t(`need.${offer.evidence_needed}`);
  }
  const key = `hindered.${code}`;
  const told = knows(key) ? t(key) : t("hindered.other");
  return possibleAt === null
    ? told
    : `${told} ${t("hindered.again", { when: moment(possibleAt, offer.place.time_zone, now) })}`;
}

/** Say how many one person may have, and when that begins anew. */
export function limitOf({ per_person, per_person_renews }: Offer): string {
  return per_person === null
    ? t("offer.noLimit")
    : t(`offer.limit.${per_person_renews}`, { count: per_person });
}

/** Say when an offer is on, one time after the other. */
export function timesOf({ spans, place }: Pick<Offer, "spans" | "place">): string[] {
  const zone = place.time_zone;
  return spans.map(({ starts_at, ends_at }) => {
    if (ends_at === null) {
      return new Date(starts_at) <= new Date()
        ? t("offer.always")
        : t("listing.from", { when: `${onDate(starts_at, zone)}, ${timeOfDay(starts_at, zone)}` });
    }
    const [first, last] = [onDate(starts_at, zone), onDate(ends_at, zone)];
    const until = timeOfDay(ends_at, zone);
    return t("offer.span", {
      from: `${first}, ${timeOfDay(starts_at, zone)}`,
      until: first === last ? until : `${last}, ${until}`,
    });
  });
}
