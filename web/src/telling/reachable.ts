/** How somebody can be reached. */

import { api, call, type Schemas } from "../api/client.ts";
import { Refusal } from "../api/failures.ts";

export interface Reachable {
  readonly ways: readonly Schemas["ChannelsOut"][];
  /** Whether they agreed to get e-mails, and to which words. */
  readonly consent: Schemas["ConsentOut"];
  readonly address: Schemas["EmailOut"] | null;
}

/** Ask for all of it. */
export async function readReachable(): Promise<Reachable> {
  const [ways, consents, address] = await Promise.all([
    call(api.GET("/v1/channels")),
    call(api.GET("/v1/consents")),
    readAddress(),
  ]);
  const consent = consents.find(({ purpose }) => purpose === "email");
  if (!consent) {
    throw new Error("The service does not ask for the consent to e-mails.");
  }
  return { ways, consent, address };
}

async function readAddress(): Promise<Schemas["EmailOut"] | null> {
  try {
    return await call(api.GET("/v1/email"));
  } catch (error) {
    if (error instanceof Refusal && error.code === "not-found") {
      return null;
    }
    throw error;
  }
}
