/**
 * Which of the positions that a phone finds are sent, and when: as few as it takes to notice that
 * somebody came, stayed and left (docs/presence.md), so that neither battery nor data are wasted.
 */

import type { Schemas } from "../api/client.ts";
import { metresBetween } from "../map/boxes.ts";
import type { Position } from "../position.ts";

/** A position, and when the phone found it: milliseconds since 1970 by its own clock. */
export interface Fix extends Position {
  readonly at: number;
}

/** A position that was kept, and for how long it says enough of a phone that lies still. */
export interface Kept extends Fix {
  readonly enoughForMs: number;
}

export type Ping = Schemas["PingIn"];

/** What is less exact says nothing of any building; browsers that guess by their network give it. */
const vagueM = 1_000;
/** Two circles that are further apart than their accuracies have moved, but no less than this. */
const leastMoveM = 15;
/** Nobody who walks comes further than `leastMoveM` sooner. */
const leastPauseMs = 5_000;
/** Whoever drives may have passed a place in that pause. */
const farM = 100;
/** A phone that is silent for a minute counts as one that reports seldom, and is believed less. */
export const beatMs = 45_000;
/** What takes a greater speed to come to is doubted by the service until a second position agrees. */
const leapMps = 70;
/** Afterwards the phone need not look so closely: it has been still for longer than any arrival. */
const settledMs = 180_000;
/** Each time a radio is woken costs more than what is sent then. */
const batchMs = 10_000;
const batchSize = 5;
/** An hour of somebody who never stands still. */
export const mostUnsent = 720;
/** A browser's own time of a position may be nonsense; it cannot be older than this. */
const oldestMs = 60_000;

/** Read what the browser found at a moment of the phone's clock. */
export function fixOf({ coords, timestamp }: GeolocationPosition, now: number): Fix {
  const { longitude, latitude, accuracy } = coords;
  const isCredible = timestamp <= now && timestamp >= now - oldestMs;
  return {
    lon: longitude,
    lat: latitude,
    accuracy_m: accuracy,
    at: isCredible ? timestamp : now,
  };
}

/** Tell whether a position says so little that it is not worth sending at all. */
export function isVague({ accuracy_m }: Fix): boolean {
  return accuracy_m > vagueM;
}

/** Tell whether somebody has moved between two positions, as far as these can tell. */
export function hasMoved(from: Fix, to: Fix): boolean {
  const doubtM = Math.max(leastMoveM, from.accuracy_m + to.accuracy_m);
  return metresBetween([from.lon, from.lat], [to.lon, to.lat]) > doubtM;
}

/** Return a position as it is kept after the one before it. */
export function keptOf(before: Fix | null, fix: Fix): Kept {
  return { ...fix, enoughForMs: before && hasLeapt(before, fix) ? leastPauseMs : beatMs };
}

/**
 * Tell whether a position says something that the one which was kept last did not, or not surely. One
 * from long before it does: then the phone's clock was set back.
 */
export function isNews(last: Kept | null, fix: Fix): boolean {
  if (isVague(fix)) {
    return false;
  }
  if (last === null) {
    return true;
  }
  const pauseMs = fix.at - last.at;
  if (pauseMs <= 0) {
    return pauseMs < -oldestMs;
  }
  const isFar = metresBetween([last.lon, last.lat], [fix.lon, fix.lat]) > farM;
  if (pauseMs < leastPauseMs) {
    return isFar && hasMoved(last, fix);
  }
  const isClearer = fix.accuracy_m <= last.accuracy_m / 2;
  return isClearer || hasMoved(last, fix) || pauseMs >= last.enoughForMs;
}

/** Tell whether the phone is to look closely, which takes more of its battery. */
export function looksClosely(stillSince: number | null, now: number): boolean {
  return stillSince === null || between(stillSince, now) < settledMs;
}

/** Tell whether what was kept is to be sent now. */
export function isDue(unsent: readonly Ping[], now: number): boolean {
  const [first] = unsent;
  if (!first) {
    return false;
  }
  return unsent.length >= batchSize || between(Date.parse(first.recorded_at), now) >= batchMs;
}

/** Return how far apart two moments of the phone's clock are in milliseconds; it may have been set back. */
export function between(one: number, other: number): number {
  return Math.abs(other - one);
}

/** Add to what waits to be sent; where that is too much, the oldest goes. */
export function withPing(unsent: readonly Ping[], ping: Ping): readonly Ping[] {
  return [...unsent, ping].slice(-mostUnsent);
}

/** Return a position as it is sent; the id is its own, so that it counts once. */
export function pingOf({ at, lon, lat, accuracy_m }: Fix, id: string): Ping {
  return { id, recorded_at: new Date(at).toISOString(), lon, lat, accuracy_m };
}

function hasLeapt(from: Fix, to: Fix): boolean {
  const wayM = metresBetween([from.lon, from.lat], [to.lon, to.lat]);
  const leastS = (wayM - from.accuracy_m - to.accuracy_m) / leapMps;
  return leastS * 1_000 > between(from.at, to.at);
}
