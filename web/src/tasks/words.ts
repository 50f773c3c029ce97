/** What is said of a task: when it is due, who has it, and what stands in somebody's way. */

import type { Schemas } from "../api/client.ts";
import { Refusal, type Failure } from "../api/failures.ts";
import { moment } from "../languages/formats.ts";
import type { Key } from "../languages/messages.ts";
import { t } from "../languages/language.svelte.ts";
import type { Work } from "./changes.ts";

type State = Schemas["TaskState"];

const held: ReadonlySet<State> = new Set(["claimed", "in-progress"]);

/** Say when a task is due, by the clocks of its place; null where it never is. */
export function dueOf(task: Work, now = new Date()): string | null {
  const { due_at, time_zone } = task;
  if (due_at === null || isOver(task)) {
    return null;
  }
  const when = moment(due_at, time_zone, now);
  if (task.overdue) {
    return t(isSameDay(due_at, time_zone, now) ? "due.overToday" : "due.over", { when });
  }
  return t(isSameDay(due_at, time_zone, now) ? "due.today" : "due.at", { when });
}

/** Tell whether nobody needs to do a task any more. */
export function isOver({ state }: { readonly state: State }): boolean {
  return state === "done" || state === "cancelled" || state === "expired";
}

/** Tell whether whoever asked has the task: nobody else may ask for more time with it. */
export function isMine({ possible }: Work): boolean {
  return possible.includes("extend");
}

/** Say where a task stands, and who has it. */
export function standingOf(task: Work): string {
  if (!held.has(task.state)) {
    return t(`state.${task.state}`);
  }
  return t(`state.${task.state}.${isMine(task) ? "you" : "other"}` as Key);
}

const conflicts: Partial<Record<State, Key>> = {
  claimed: "conflict.taken",
  "in-progress": "conflict.taken",
  done: "conflict.done",
  cancelled: "conflict.cancelled",
  expired: "conflict.expired",
  declined: "conflict.declined",
  open: "conflict.lapsed",
};

const told: Readonly<Record<string, Key>> = {
  "task-blocked": "conflict.blocked",
  "task-evidence-lacking": "conflict.evidence",
  "checklist-unfinished": "conflict.checklist",
  "done-in-the-future": "conflict.clock",
  "done-too-long-ago": "conflict.tooLate",
  "photo-refused": "photo.refused",
  "body-too-large": "photo.tooLarge",
  "too-many-photos": "photo.tooMany",
  "files-unavailable": "photo.unavailable",
  "working-hours-refused": "hours.refused",
};

/** Return what to say of a refusal that is about tasks; null where it is like any other. */
export function reasonOf(failure: Failure): Key | null {
  if (!(failure instanceof Refusal)) {
    return null;
  }
  const state = (failure.problem as { state?: State }).state;
  if (failure.code === "task-step-refused" && state) {
    return conflicts[state] ?? null;
  }
  if (failure.code === "task-step-not-yours" && state) {
    return held.has(state) ? "conflict.taken" : "conflict.others";
  }
  return told[failure.code] ?? null;
}

/** Tell whether somebody has to sign in first, or once more. */
export function isForMembers(failure: Failure): boolean {
  const refusals = new Set(["unauthenticated", "forbidden", "csrf"]);
  return failure instanceof Refusal && refusals.has(failure.code);
}

function isSameDay(instant: string, timeZone: string, now: Date): boolean {
  const day = (at: Date): string => at.toLocaleDateString("en-CA", { timeZone });
  return day(new Date(instant)) === day(now);
}
