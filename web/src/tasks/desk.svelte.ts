/** One task while it is worked on: what is on its way, what failed, and how it is now. */

import { api, call, type Schemas } from "../api/client.ts";
import { asFailure, Refusal, type Failure } from "../api/failures.ts";
import { fresh } from "../api/fresh.ts";
import { unsent } from "../offline/unsent.svelte.ts";
import { taskOf } from "../offline/waiting.ts";
import { changeOf, mayWait, sendChange, type Change, type Step, type Work } from "./changes.ts";
import { foreseen } from "./foreseen.ts";
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
  /** The task as the service told it last. */
  read: Task;
  /** What was done to it here and not sent yet. */
  readonly waiting = $derived.by(() =>
    unsent.all.filter(({ matter }) => taskOf(matter) === this.read.id),
  );
  /** The task as it is with that. */
  readonly task: Task = $derived.by(() =>
    foreseen(
      this.read,
      this.waiting.flatMap(({ matter }) => (matter.is === "change" ? [matter.change] : [])),
    ),
  );
  failed: Failed | null = $state.raw(null);
  /** Whether what was done last is kept on this phone until it can be sent. */
  isKept = $state(false);
  /** Ticks that are on their way. */
  ticking: Readonly<Record<string, boolean>> = $state.raw({});
  /** What was done last, for it to be said. */
  did: Step["is"] | null = $state(null);
  /** Changes go one after the other, in the order in which they were made. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(task: Task) {
    this.read = $state.raw(task);
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

  /** Read the task anew; it stays as it is where that fails, which is newer than what was kept. */
  async refresh(): Promise<void> {
    this.read = (await fresh(readTask(this.read.id))) ?? this.read;
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

  /** Return how the task is then, as far as the answer says, or that it has to wait. */
  async #send(change: Change): Promise<Work | null | "waiting"> {
    if (!mayWait(change.step)) {
      return sendChange(change);
    }
    if (change.step.is === "done" && !this.task.checklist.every(({ id }) => this.isTicked(id))) {
      throw new Refusal(409, { type: "/problems/checklist-unfinished" });
    }
    const outcome = await unsent.submit({
      matter: { is: "change", change },
      about: this.task.title,
    });
    switch (outcome.is) {
      case "sent":
        return outcome.answer as Work | null;
      case "waiting":
        return "waiting";
      case "refused":
        throw outcome.failure;
    }
  }

  async #attempt(change: Change): Promise<boolean> {
    const { step } = change;
    this.failed = null;
    this.did = null;
    this.isKept = false;
    try {
      const work = await this.#send(change);
      if (work === "waiting") {
        this.isKept = true;
      } else {
        this.read = { ...this.read, ...work };
        this.did = step.is;
      }
    } catch (error) {
      this.failed = { change, failure: asFailure(error) };
    }
    // Of what was refused, too: somebody else may have it by now.
    if (!this.isKept && (this.failed === null || reasonOf(this.failed.failure) !== null)) {
      await this.refresh();
    }
    if (step.is === "tick") {
      const others = Object.entries(this.ticking).filter(([item]) => item !== step.item);
      this.ticking = Object.fromEntries(others);
    }
    return this.failed === null;
  }
}
