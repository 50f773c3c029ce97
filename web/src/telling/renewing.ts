/** Keeps the pushes of this phone alive: browsers lose subscriptions without a word. */

import { asFailure } from "../api/failures.ts";
import { registerWorker } from "../offline/registering.ts";
import { sendReceipts } from "../push/receipts.ts";
import { areNotificationsWanted, syncSubscription } from "../push/subscribing.ts";

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
    if (!(error instanceof DOMException)) {
      asFailure(error);
    }
  }
}
