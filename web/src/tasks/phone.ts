/** This browser as somebody's work phone: checking in, and being located, take one that is theirs. */

import { api, becomeDevice, call, readBrowser, type Browser } from "../api/client.ts";
import { forgetPushes } from "../telling/forgetting.ts";

/** Whose device this browser is: nobody's yet, the member's own, or somebody else's. */
export type Whose = "nobody" | "theirs" | "another";

export interface Phone {
  readonly member: Browser["member"];
  readonly whose: Whose;
}

/** Find out who is signed in, and whose device this is. */
export async function readPhone(): Promise<Phone> {
  const { device, member } = await readBrowser();
  if (!device) {
    return { member, whose: "nobody" };
  }
  if (!member) {
    // Whoever sees tasks without having signed in does so by this device.
    return { member, whose: "theirs" };
  }
  const devices = await call(api.GET("/v1/devices"));
  return { member, whose: devices.some(({ id }) => id === device.id) ? "theirs" : "another" };
}

/** Have this browser be the member's device, also if it was somebody else's, which ends. */
export async function becomeWorkPhone({ whose }: Phone): Promise<void> {
  if (whose === "another") {
    const time_zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const body = {
      credential: "cookie" as const,
      time_zone,
      places_only: false,
      replaces_device: true,
    };
    await call(api.POST("/v1/devices", { body }));
    await forgetPushes();
  } else {
    await becomeDevice();
  }
}
