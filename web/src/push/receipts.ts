/**
 * What became of notifications here. A receipt is kept first and sent afterwards, by whichever event
 * or page comes next with a connection; the service takes the same one twice without harm.
 */

import { Refusal } from "../api/failures.ts";
import { refusalOf, send } from "../api/sending.ts";
import {
  addReceipt,
  oldestReceipts,
  removeReceipt,
  type KeptReceipt,
  type ReceiptKind,
} from "./storage.ts";

const batchSize = 100;
/** The service will never take these as they are, however often they come. */
const hopeless = new Set([400, 413, 422]);

/** Keep a receipt until it is sent; a notification without a token needs none. */
export async function keepReceipt(token: string | undefined, kind: ReceiptKind): Promise<void> {
  if (token !== undefined) {
    await addReceipt({ token, kind, occurred_at: new Date().toISOString() });
  }
}

/** Send all that is kept; throws `Refusal` or `NoAnswer`, and what was not taken stays. */
export async function sendReceipts(): Promise<void> {
  for (;;) {
    const batch = await oldestReceipts(batchSize);
    if (batch.length === 0) {
      return;
    }
    await deliver(batch);
  }
}

async function deliver(batch: readonly KeptReceipt[]): Promise<void> {
  try {
    await post(batch);
  } catch (error) {
    if (!(error instanceof Refusal && hopeless.has(error.status))) {
      throw error;
    }
    if (batch.length > 1) {
      // One bad receipt must not hold up the others.
      for (const receipt of batch) {
        await deliver([receipt]);
      }
      return;
    }
  }
  for (const { id } of batch) {
    await removeReceipt(id);
  }
}

/** Receipts speak for themselves, so who this browser is need not be asked first. */
async function post(batch: readonly KeptReceipt[]): Promise<void> {
  const receipts = batch.map(({ token, kind, occurred_at }) => ({ token, kind, occurred_at }));
  const request = new Request("/v1/receipts", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ receipts }),
    cache: "no-store",
  });
  // Events come again; a service worker may not wait for long.
  const response = await send(request, { isRepeatable: false });
  if (!response.ok) {
    throw await refusalOf(response);
  }
}
