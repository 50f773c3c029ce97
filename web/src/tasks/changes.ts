/**
 * What is done to tasks. Each change has an id and a time of the phone's own, so that it may be sent
 * again, and later. Those that may wait for signal go through the queue, the others through `sendChange` at once.
 */

import { api, call, repeatable, type Schemas } from "../api/client.ts";
import { newId } from "../ids.ts";

export type Work = Schemas["WorkOut"];

export type Step =
  | { readonly is: "claim" | "extend" | "start" }
  | { readonly is: "tick"; readonly item: string; readonly done: boolean }
  | { readonly is: "note" | "release" | "decline" | "done"; readonly words: string };

export interface Change {
  readonly id: string;
  readonly taskId: string;
  /** By the phone's clock, in the form of RFC 3339. */
  readonly at: string;
  readonly step: Step;
}

/** What can be done out of reach of any network; for the rest it has to be known who has the task. */
const later: ReadonlySet<Step["is"]> = new Set(["start", "tick", "note", "done"]);

/** Tell whether a step may be sent later than it was made. */
export function mayWait({ is }: Step): boolean {
  return later.has(is);
}

/** Return a change that somebody makes now. */
export function changeOf(taskId: string, step: Step, now = new Date()): Change {
  return { id: newId(), taskId, at: now.toISOString(), step };
}

/**
 * Send a change and return how the task is then; null where the answer does not say.
 *
 * Throws `Refusal` or `NoAnswer`. The same change sent again does nothing more.
 */
export async function sendChange(
  { id, taskId, at, step }: Change,
  fetch: typeof repeatable = repeatable,
): Promise<Work | null> {
  const params = { path: { task_id: taskId } };
  switch (step.is) {
    case "claim":
      return call(api.POST("/v1/tasks/{task_id}/claim", { params, fetch }));
    case "extend":
      return call(api.POST("/v1/tasks/{task_id}/extend", { params, fetch }));
    case "start": {
      const body = { id, started_at: at };
      return call(api.POST("/v1/tasks/{task_id}/start", { params, body, fetch }));
    }
    case "tick": {
      const body = { id, ticked_at: at, ticks: { [step.item]: step.done } };
      return call(api.PATCH("/v1/tasks/{task_id}", { params, body, fetch }));
    }
    case "note": {
      const body = { id, noted_at: at, note: step.words };
      await call(api.POST("/v1/tasks/{task_id}/notes", { params, body, fetch }));
      return null;
    }
    case "release": {
      const body = { note: step.words };
      return call(api.POST("/v1/tasks/{task_id}/release", { params, body }));
    }
    case "decline": {
      const body = { reason: step.words };
      return call(api.POST("/v1/tasks/{task_id}/decline", { params, body }));
    }
    case "done": {
      const body = { id, done_at: at, note: step.words, checklist: [] };
      const options = { params, body, fetch };
      return (await call(api.POST("/v1/tasks/{task_id}/done", options))).task;
    }
  }
}
