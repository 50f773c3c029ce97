/** Where what was not sent yet lies; pages and the service worker share it. */

import { databaseOf } from "../database.ts";
import type { Waiting } from "./waiting.ts";

const store = "waiting";
const database = databaseOf("geoservices-unsent", (made) => {
  made.createObjectStore(store, { keyPath: "order", autoIncrement: true });
});

/** Keep something, and return its place in the order; rejects where nothing can be kept. */
export async function keepWaiting(one: Omit<Waiting, "order">): Promise<number> {
  return Number(await database.run(store, "readwrite", (all) => all.add(one)));
}

export function readWaiting(): Promise<readonly Waiting[]> {
  return database.run(store, "readonly", (all) => all.getAll()) as Promise<Waiting[]>;
}

export async function changeWaiting(one: Waiting): Promise<void> {
  await database.run(store, "readwrite", (all) => all.put(one));
}

export async function removeWaiting(orders: readonly number[]): Promise<void> {
  for (const order of orders) {
    await database.run(store, "readwrite", (all) => all.delete(order));
  }
}

export async function removeAllWaiting(): Promise<void> {
  await database.run(store, "readwrite", (all) => all.clear());
}
