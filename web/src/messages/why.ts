/** Why a message came, in our words. */

import type { Schemas } from "../api/client.ts";
import { moment, onDate } from "../languages/formats.ts";
import { knows, t } from "../languages/language.svelte.ts";

type Message = Schemas["NotificationOut"];

/** Return the sentences that say why a message came; times by the clocks of a zone. */
export function reasonsOf({ kind, why }: Pick<Message, "kind" | "why">, zone: string): string[] {
  if (!why) {
    return [t(`messages.${kind}`)];
  }
  const happened = t(`why.${why.what_happened}`, { place: why.place ?? t("why.somewhere") });
  const waited = why.held_back.map(({ gate, held_at, until }) => {
    const times = { from: moment(held_at, zone), until: moment(until, zone) };
    const because = `waited.${gate}`;
    return `${t("why.waited", times)} ${knows(because) ? t(because) : ""}`.trim();
  });
  return [
    happened,
    ...why.interests.map((topic) => t("why.interest", { topic })),
    ...waited,
    ...(why.agreed_at === null ? [] : [t("why.agreed", agreedTo(why, why.agreed_at, zone))]),
    t("why.sender", { organisation: why.sent_by }),
  ];
}

/** Return what was looked at before the message was sent, and spoke for it. */
export function checksOf({ decision }: Pick<Message, "decision">): string[] {
  const gates = decision?.gates_passed ?? [];
  return gates.map((gate) => `passed.${gate}`).flatMap((key) => (knows(key) ? [t(key)] : []));
}

function agreedTo(
  { purpose }: Schemas["WhyOut"],
  agreedAt: string,
  zone: string,
): { day: string; purpose: string } {
  const key = `purpose.${purpose}`;
  return { day: onDate(agreedAt, zone), purpose: knows(key) ? t(key) : purpose };
}
