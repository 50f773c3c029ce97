"use strict";

// What became of notifications here. A receipt is kept first and sent afterwards, by whichever
// event or page comes next with a connection; the service takes the same one twice without harm.
const receipts = (() => {
  const batchSize = 100;
  // The service will never take these as they are, however often they come.
  const hopeless = new Set([400, 413, 422]);

  async function keep(token, kind) {
    if (token) {
      await storage.addReceipt({ token, kind, occurred_at: new Date().toISOString() });
    }
  }

  async function flush() {
    for (;;) {
      const batch = await storage.oldestReceipts(batchSize);
      if (batch.length === 0) {
        return;
      }
      await deliver(batch);
    }
  }

  async function deliver(batch) {
    try {
      await calls.send("POST", "/v1/receipts", {
        body: { receipts: batch.map(({ token, kind, occurred_at }) => ({ token, kind, occurred_at })) },
      });
    } catch (error) {
      if (!hopeless.has(error.status)) {
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
    await storage.removeReceipts(batch.map((receipt) => receipt.id));
  }

  return { keep, flush };
})();
