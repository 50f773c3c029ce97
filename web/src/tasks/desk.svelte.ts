/** One task while it is worked on: what is on its way, what failed, and how it is now. */

import { api, call, type Schemas } from "../api/client.ts";
import { asFailure, type Failure } from "../api/failures.ts";
import { changeOf, send, type Change, type Step } from "./changes.ts";
import { reasonOf } from "./words.ts";

export type Task = Schemas["WorkWithStepsOut"];

/** Return a task with the latest of its history. */
export function readTask(taskId: string): Promise<Task> {
  return call(api.GET("/v1/tasks/{task_id}", { params: { path: { task_id: taskId } } }));
}

interface Failed {
  readonly change: Change;
  readonly failure: Failure;
}

export class Desk {
  task: Task;
  failed: Failed | null = $state.raw(null);
  /** Ticks that are on their way. */
  ticking: Readonly<Record<string, boolean>> = $state.raw({});
  /** What was done last, for it to be said. */
  did: Step["is"] | null = $state(null);
  /** Changes go one after the other, in the order in which they were made. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(task: Task) {
    this.task = $state.raw(task);
  }

  /** Do something; true if it is done. */
  take(step: Step): Promise<boolean> {
    return this.#enqueue(changeOf(this.task.id, step));
  }

  /** Send once more what did not get through. */
  async again(): Promise<void> {
    if (this.failed) {
      await this.#enqueue(this.failed.change);
    }
  }

  /** Tell whether an item of the checklist is ticked, or is being ticked. */
  isTicked(item: string): boolean {
    return this.ticking[item] ?? this.task.ticked.includes(item);
  }

  /** Read the task anew; it stays as it is where that fails. */
  async refresh(): Promise<void> {
    try {
      this.task = await readTask(this.task.id);
    } catch (error) {
      asFailure(error);
    }
  }

  #enqueue(change: Change): Promise<boolean> {
    const { step } = change;
    if (step.is === "tick") {
      this.ticking = { ...this.ticking, [step.item]: step.done };
    }
    const sent = this.#last.then(() => this.#attempt(change));
    this.#last = sent;
    return sent;
  }

  async #attempt(change: Change): Promise<boolean> {
    const { step } = change;
    this.failed = null;
    this.did = null;
    try {
      const work = await send(change);
      if (work) {
        this.task = { ...this.task, ...work };
      }
      this.did = step.is;
    } catch (error) {
      this.failed = { change, failure: asFailure(error) };
    }
    // Of what was refused, too: somebody else may have it by now.
    if (this.failed === null || reasonOf(this.failed.failure) !== null) {
      await this.refresh();
    }
    if (step.is === "tick") {
      const others = Object.entries(this.ticking).filter(([item]) => item !== step.item);
      this.ticking = Object.fromEntries(others);
    }
    return this.failed === null;
  }
}
