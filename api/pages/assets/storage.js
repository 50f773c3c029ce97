"use strict";

// What this browser keeps for us, in IndexedDB. The page and the service worker share it, and not
// every browser lets a service worker import modules, so it is a plain script like those beside it.
const storage = (() => {
  // The push services keep no message longer than this, so no copy comes later.
  const rememberMs = 30 * 24 * 3600 * 1000;

  let opening = null;

  function open() {
    opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open("geoservices", 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("facts");
        request.result.createObjectStore("receipts", { keyPath: "id", autoIncrement: true });
        request.result.createObjectStore("seen", { keyPath: "tag" }).createIndex("at", "at");
      };
      request.onsuccess = () => {
        request.result.onversionchange = close;
        request.result.onclose = close;
        resolve(request.result);
      };
      request.onerror = () => reject(request.error);
    });
    opening.catch(() => {
      opening = null;
    });
    return opening;
  }

  function close() {
    opening?.then((database) => database.close()).catch(() => {});
    opening = null;
  }

  async function run(name, mode, work) {
    const database = await open();
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(name, mode);
      const request = work(transaction.objectStore(name));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }

  return {
    get: (fact) => run("facts", "readonly", (facts) => facts.get(fact)),
    set: (fact, value) => run("facts", "readwrite", (facts) => facts.put(value, fact)),
    forgetAll: () => run("facts", "readwrite", (facts) => facts.clear()),

    addReceipt: (receipt) => run("receipts", "readwrite", (receipts) => receipts.add(receipt)),
    oldestReceipts: (count) => run("receipts", "readonly", (receipts) => receipts.getAll(null, count)),
    removeReceipts: (ids) =>
      run("receipts", "readwrite", (receipts) => {
        for (const id of ids) {
          receipts.delete(id);
        }
      }),

    wasSeen: async (tag) => (await run("seen", "readonly", (seen) => seen.get(tag))) !== undefined,
    markSeen: (tag) =>
      run("seen", "readwrite", (seen) => {
        seen.put({ tag, at: Date.now() });
        const old = IDBKeyRange.upperBound(Date.now() - rememberMs);
        seen.index("at").openCursor(old).onsuccess = ({ target }) => {
          target.result?.delete();
          target.result?.continue();
        };
      }),
  };
})();
