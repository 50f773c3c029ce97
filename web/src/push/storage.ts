/** What this browser keeps about notifications. */

import { databaseOf } from "../database.ts";

/** The push services keep no message longer than this, so no copy comes later. */
const rememberMs = 30 * 24 * 3600 * 1000;

/** Facts about this browser, by name. */
interface Facts {
  /** Whether it has been set up as somebody's device. */
  known: boolean;
  /** Whether notifications are turned on here. */
  wanted: boolean;
  /** The push subscription that the service knows. */
  subscription: { readonly id: string; readonly endpoint: string } | null;
}

export type ReceiptKind = "shown" | "clicked" | "dismissed";

/** What became of a notification. */
export interface Receipt {
  readonly token: string;
  readonly kind: ReceiptKind;
  /** By this browser's clock, in the form of RFC 3339. */
  readonly occurred_at: string;
}

export interface KeptReceipt extends Receipt {
  readonly id: number;
}

const database = databaseOf("geoservices", (made) => {
  made.createObjectStore("facts");
  made.createObjectStore("receipts", { keyPath: "id", autoIncrement: true });
  made.createObjectStore("seen", { keyPath: "tag" }).createIndex("at", "at");
});

/** Return a fact; undefined where it was never kept. */
export function getFact<Name extends keyof Facts>(name: Name): Promise<Facts[Name] | undefined> {
  return database.run("facts", "readonly", (facts) => facts.get(name)) as Promise<
    Facts[Name] | undefined
  >;
}

export async function setFact<Name extends keyof Facts>(
  name: Name,
  value: Facts[Name],
): Promise<void> {
  await database.run("facts", "readwrite", (facts) => facts.put(value, name));
}

/** Forget the facts, as when nobody is known by this browser any more. */
export async function forgetFacts(): Promise<void> {
  await database.run("facts", "readwrite", (facts) => facts.clear());
}

export async function addReceipt(receipt: Receipt): Promise<void> {
  await database.run("receipts", "readwrite", (receipts) => receipts.add(receipt));
}

export function oldestReceipts(count: number): Promise<readonly KeptReceipt[]> {
  return database.run("receipts", "readonly", (receipts) =>
    receipts.getAll(null, count),
  ) as Promise<KeptReceipt[]>;
}

export async function removeReceipt(id: number): Promise<void> {
  await database.run("receipts", "readwrite", (receipts) => receipts.delete(id));
}

/** Say whether a notification was shown here before. */
export async function wasSeen(tag: string): Promise<boolean> {
  return (await database.run("seen", "readonly", (seen) => seen.getKey(tag))) !== undefined;
}

export async function markSeen(tag: string): Promise<void> {
  await database.run("seen", "readwrite", (seen) => {
    const old = IDBKeyRange.upperBound(Date.now() - rememberMs);
    const finding = seen.index("at").openCursor(old);
    finding.onsuccess = () => {
      finding.result?.delete();
      finding.result?.continue();
    };
    return seen.put({ tag, at: Date.now() });
  });
}
