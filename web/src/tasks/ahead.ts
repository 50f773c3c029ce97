/** One's own tasks, read before they are opened: where they are done there may be no signal. */

import { Refusal } from "../api/failures.ts";
import { answersCache, keptHeader } from "../offline/kept.ts";
import type { Work } from "./changes.ts";
import { readTask } from "./desk.svelte.ts";

/** No more than so many are read. */
const most = 20;
/** One that was read so short a while ago is not read again. */
const freshMs = 10 * 60_000;

let isUnderWay = false;

/** Have the service worker keep tasks, one after the other; without one nothing is read. */
export async function readAhead(tasks: readonly Work[]): Promise<void> {
  const worker = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!worker || isUnderWay) {
    return;
  }
  if (!worker.controller) {
    worker.addEventListener("controllerchange", () => void readAhead(tasks), { once: true });
    return;
  }
  isUnderWay = true;
  try {
    for (const { id } of tasks.slice(0, most)) {
      if (!(await isFresh(id))) {
        await readIfThere(id);
      }
    }
  } catch {
    // Without signal the rest stays as it is.
  } finally {
    isUnderWay = false;
  }
}

async function isFresh(taskId: string): Promise<boolean> {
  const found = await (await caches.open(answersCache)).match(`/v1/tasks/${taskId}`);
  return Date.now() - Date.parse(found?.headers.get(keptHeader) ?? "") < freshMs;
}

async function readIfThere(taskId: string): Promise<void> {
  try {
    await readTask(taskId);
  } catch (error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
  }
}
