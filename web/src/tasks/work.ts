/** When somebody is at work, and whether they are located for their tasks. */

import { api, call, type Schemas } from "../api/client.ts";
import { readConsent } from "../checkin/checkin.svelte.ts";
import { agreeTo } from "../consents/words.ts";
import { readPhone } from "./phone.ts";

export type Located = Schemas["LocatedOut"] & { readonly timeZone: string };

/** Ask whether somebody is located now, as far as they agreed to that. */
export async function readLocated(): Promise<Located> {
  const [{ whose }, hours] = await Promise.all([readPhone(), call(api.GET("/v1/working-hours"))]);
  const timeZone = hours.time_zone;
  if (whose === "theirs") {
    const { located } = await call(api.GET("/v1/devices/me"));
    return { ...located, timeZone };
  }
  const consents = await call(api.GET("/v1/consents"));
  const agreed = consents.some(({ purpose, given_at }) => purpose === "staff-tasks" && given_at);
  return agreed
    ? { ...hours.at_work, timeZone }
    : { now: false, until: null, next_from: null, timeZone };
}

/** Somebody's working hours, and what they agreed to about them. */
export interface Shift {
  readonly hours: string | null;
  readonly consent: Schemas["ConsentOut"];
}

/** Ask when somebody is at work, and whether they agreed to be located then. */
export async function readShift(): Promise<Shift> {
  const [{ hours }, consent] = await Promise.all([
    call(api.GET("/v1/working-hours")),
    readConsent("staff-tasks"),
  ]);
  return { hours, consent };
}

/** Have somebody located in these hours, as they agree to; without any, they never are. */
export async function setShift(hours: string | null, { consent }: Shift): Promise<void> {
  await call(api.PUT("/v1/working-hours", { body: { hours } }));
  if (hours !== null && consent.given_at === null) {
    await agreeTo(consent);
  }
}
