/**
 * What was done on this phone and not sent yet, and what becomes of it: decisions alone.
 *
 * Whatever waits has an id and a time of the phone's own, so that it may be sent again, and later.
 */

import {
  isUnknown,
  NoAnswer,
  Refusal,
  type Failure,
  type ProblemDocument,
} from "../api/failures.ts";
import type { Schemas } from "../api/client.ts";
import type { Change } from "../tasks/changes.ts";
import type { Doer, Who } from "./who.ts";

/** What is checked in at: a place of a list, or the place of a code as it was scanned. */
export type Target = { readonly placeId: string } | { readonly code: string };

export type Matter =
  | {
      readonly is: "check-in";
      readonly id: string;
      readonly target: Target;
      readonly position: Schemas["PositionIn"] | null;
      /** By the phone's clock, in the form of RFC 3339. */
      readonly at: string;
    }
  | { readonly is: "change"; readonly change: Change }
  | { readonly is: "photo"; readonly taskId: string; readonly photo: Blob; readonly at: string }
  | {
      readonly is: "pings";
      /** In the order in which they were found. */
      readonly pings: readonly Schemas["PingIn"][];
      readonly at: string;
    };

/** Something that waits, as it is kept. */
export interface Waiting {
  /** In which what waits was done. */
  readonly order: number;
  readonly matter: Matter;
  /** What it is about, in words: a place's name or a task's title; null where nobody said. */
  readonly about: string | null;
  /** Who did it. Nobody has a device yet who never did anything before. */
  readonly by: Doer;
  readonly attempts: number;
  /** Milliseconds since 1970 before which it is not to be sent again. */
  readonly notBefore: number;
  /** Why the service did not take it; null as long as it may. */
  readonly refused: { readonly status: number; readonly problem: Partial<ProblemDocument> } | null;
}

/** What is put into the queue. */
export type New = Pick<Waiting, "matter" | "about">;

const dayMs = 24 * 3600 * 1000;
const soonestMs = 5_000;
const latestMs = 10 * 60_000;
/** No service is left alone for longer, whatever it asks for. */
const longestMs = 60 * 60_000;
const unavailable = 500;
/** It came too early or too often, and may come again. */
const passing = new Set([408, 425, 429]);
const forMembers = new Set(["unauthenticated", "forbidden"]);

/** Return what has to go in one order: all about one task; a way; check-ins each by themselves. */
export function laneOf({ order, matter }: Waiting): string {
  switch (matter.is) {
    case "check-in":
      return `check-in ${order}`;
    case "pings":
      return matter.is;
    case "change":
    case "photo":
      return `task ${taskOf(matter)}`;
  }
}

/** Return which task something is about; null where it is about none. */
export function taskOf(matter: Matter): string | null {
  switch (matter.is) {
    case "check-in":
    case "pings":
      return null;
    case "change":
      return matter.change.taskId;
    case "photo":
      return matter.taskId;
  }
}

/** Return when something was done, by the phone's clock. */
export function doneAt(matter: Matter): string {
  return matter.is === "change" ? matter.change.at : matter.at;
}

/**
 * Tell whether whoever the browser is now did it.
 *
 * Check-ins and positions are a device's. Work is a member's, or a work phone's where nobody was signed in;
 * whoever was before, and signs in again, is taken to have done that too.
 */
export function isBy({ matter, by }: Waiting, who: Who): boolean {
  if (matter.is === "check-in" || matter.is === "pings") {
    return by.device === null || by.device === who.device;
  }
  if (by.member !== null) {
    return who.member === by.member;
  }
  return who.member === null ? who.device === by.device : who.member === by.signedInLast;
}

/**
 * Return work that the service takes from no device as that of the member who was signed in last, for it
 * to wait until they are again; null where the failure means something else.
 */
export function leftToMember(one: Waiting, who: Who, failure: Failure): Waiting | null {
  const { by, matter } = one;
  const isWork = matter.is === "change" || matter.is === "photo";
  const isForMembers = failure instanceof Refusal && forMembers.has(failure.code);
  return isWork && isForMembers && who.member === null && by.member === null && by.signedInLast
    ? { ...one, by: { ...by, member: by.signedInLast } }
    : null;
}

/** Return what is to be sent next; null if nothing is. What is about one task goes in its order. */
export function nextOf(all: readonly Waiting[], who: Who, nowMs: number): Waiting | null {
  const held = new Set<string>();
  for (const one of inOrder(all)) {
    const lane = laneOf(one);
    if (one.refused === null && !held.has(lane) && isBy(one, who) && isDue(one, nowMs)) {
      return one;
    }
    // Photos and notes change nothing for what comes after them.
    if (one.refused === null || !isAside(one.matter)) {
      held.add(lane);
    }
  }
  return null;
}

/** A pause that ends later than any may was begun by a clock that has been set back since. */
function isDue({ notBefore }: Waiting, nowMs: number): boolean {
  return notBefore <= nowMs || notBefore > nowMs + longestMs;
}

/** What keeps something from being sent that was not refused. */
export type Standing = "waits" | "behind" | "elsewhere";

/** Say what something that was not refused waits for: signal, what comes before it, or who did it. */
export function standingOf(one: Waiting, all: readonly Waiting[], who: Who): Standing {
  const before = all.filter((other) => other.order < one.order && laneOf(other) === laneOf(one));
  if ([...before, one].some((other) => other.refused === null && !isBy(other, who))) {
    return "elsewhere";
  }
  const isHeld = before.some((other) => other.refused !== null && !isAside(other.matter));
  return isHeld ? "behind" : "waits";
}

/** What follows from an attempt that failed. */
export type Next =
  | { readonly is: "wait"; readonly notBefore: number; readonly isOver: boolean }
  | { readonly is: "refused" };

/**
 * Decide what follows from an attempt that failed. `isOver` says that nothing else would get through
 * either: without signal, or as somebody whom the service does not know any more.
 */
export function nextAfter(failure: Failure, attempts: number, nowMs: number): Next {
  if (failure instanceof NoAnswer || isUnknown(failure)) {
    return { is: "wait", notBefore: 0, isOver: true };
  }
  if (failure.status >= unavailable || passing.has(failure.status)) {
    const askedMs = Math.min((failure.retryAfterS ?? 0) * 1000, longestMs);
    const pauseMs = Math.max(askedMs, pauseOf(attempts));
    return { is: "wait", notBefore: nowMs + pauseMs, isOver: true };
  }
  return { is: "refused" };
}

/** Return how long to wait after so many attempts in vain, in milliseconds. */
export function pauseOf(attempts: number): number {
  return Math.min(soonestMs * 2 ** attempts, latestMs);
}

/** How much waits, by why it does. */
export interface Counts {
  /** For signal, or for its turn. */
  readonly waiting: number;
  /** For somebody to read why it was not taken. */
  readonly refused: number;
  /** For whoever did it, or what comes before it, to sign in. */
  readonly others: number;
}

/** Count what waits. What stands behind something that was refused waits with it. */
export function count(all: readonly Waiting[], who: Who): Counts {
  const refused = all.filter((one) => one.refused !== null).length;
  const others = all.filter(
    (one) => one.refused === null && standingOf(one, all, who) === "elsewhere",
  ).length;
  return { waiting: all.length - refused - others, refused, others };
}

/** Return what goes when somebody gives up on something: for a task that was refused, all behind it too. */
export function withAllBehind(all: readonly Waiting[], one: Waiting): readonly Waiting[] {
  return isAside(one.matter)
    ? [one]
    : all.filter((other) => laneOf(other) === laneOf(one) && other.order >= one.order);
}

/** Tell whether something is to go when it is refused: nobody can mend a position, nor need it lie about. */
export function goesWhenRefused({ is }: Matter): boolean {
  return is === "pings";
}

/** Tell whether something is not worth sending any more: the service keeps no position for longer. */
export function isStale({ matter }: Waiting, nowMs: number): boolean {
  return matter.is === "pings" && nowMs - Date.parse(matter.at) > dayMs;
}

/** Return why something was not taken, as calls tell it; null as long as it may be. */
export function failureOf({ refused }: Waiting): Refusal | null {
  return refused && new Refusal(refused.status, refused.problem);
}

/** Return what waits, what is about one thing together. */
export function lanesOf(all: readonly Waiting[]): ReadonlyMap<string, readonly Waiting[]> {
  const lanes = new Map<string, readonly Waiting[]>();
  for (const one of inOrder(all)) {
    const lane = laneOf(one);
    lanes.set(lane, [...(lanes.get(lane) ?? []), one]);
  }
  return lanes;
}

/** Return the time by the phone's clock, in the form of RFC 3339. */
export function nowHere(): string {
  return new Date().toISOString();
}

/** Return what waits in the order in which it was done. */
export function inOrder(all: readonly Waiting[]): readonly Waiting[] {
  return all.toSorted((a, b) => a.order - b.order);
}

function isAside(matter: Matter): boolean {
  return matter.is === "photo" || (matter.is === "change" && matter.change.step.is === "note");
}
