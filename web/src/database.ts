/**
 * What this browser keeps for us, in IndexedDB; pages and the service worker share it.
 *
 * Every operation rejects where nothing can be kept: in some private windows, and when the storage is full.
 */

export interface Database {
  /** Do something in one transaction and return what its last request found. */
  run<Result>(
    store: string,
    mode: IDBTransactionMode,
    work: (store: IDBObjectStore) => IDBRequest<Result>,
  ): Promise<Result>;
}

/** Return a database that is opened when it is first used, and made then if there is none. */
export function databaseOf(name: string, make: (database: IDBDatabase) => void): Database {
  let opening: Promise<IDBDatabase> | null = null;

  function open(): Promise<IDBDatabase> {
    opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => {
        make(request.result);
      };
      request.onsuccess = () => {
        // Another page may want to delete or change it, and browsers close what they clear.
        request.result.onversionchange = close;
        request.result.onclose = close;
        resolve(request.result);
      };
      request.onerror = () => {
        reject(asError(request.error));
      };
    });
    opening.catch(() => {
      opening = null;
    });
    return opening;
  }

  function close(): void {
    opening?.then(
      (database) => {
        database.close();
      },
      () => undefined,
    );
    opening = null;
  }

  return {
    async run(store, mode, work) {
      const database = await open();
      return new Promise((resolve, reject) => {
        const transaction = database.transaction(store, mode);
        const request = work(transaction.objectStore(store));
        transaction.oncomplete = () => {
          resolve(request.result);
        };
        transaction.onabort = () => {
          reject(asError(transaction.error));
        };
      });
    },
  };
}

function asError(error: DOMException | null): Error {
  return error ?? new Error("The browser's storage does not answer.");
}
