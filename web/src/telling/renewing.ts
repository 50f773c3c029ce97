/** Keeps the pushes of this phone alive: browsers lose subscriptions without a word. */

import { asFailure, Refusal, type Failure } from "../api/failures.ts";
import { registerWorker } from "../offline/registering.ts";
import { sendReceipts } from "../push/receipts.ts";
import { areNotificationsWanted, syncSubscription } from "../push/subscribing.ts";
import { forgetPushes } from "./forgetting.ts";

/** Renew the subscription, if messages are to pop up here, and send the receipts that wait. */
export async function renewPushes(): Promise<void> {
  try {
    if (await areNotificationsWanted()) {
      const worker = await registerWorker();
      await (worker && syncSubscription(worker));
    }
    await sendReceipts();
  } catch (error) {
    // What a browser or the service refuses now is tried again with the next visit.
    if (!(error instanceof DOMException) && isNobody(asFailure(error))) {
      await forgetPushes();
    }
  }
}

/** Nobody is known by this browser any more, as when it was signed off on another one. */
function isNobody(failure: Failure): boolean {
  return failure instanceof Refusal && failure.code === "unauthenticated";
}
