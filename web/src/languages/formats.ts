/**
 * Distances and times as people say them. Names of days come from our own files: not every browser
 * knows the Welsh ones (Chromium has no `cy` among its `Intl` languages).
 */

import type { Key } from "./messages.ts";
import { t, tag } from "./language.svelte.ts";

const kilometreM = 1000;
const dayMs = 24 * 3600 * 1000;
const week = 7;

/** Return a distance in metres below a kilometre, in kilometres above, no finer than it is known. */
export function distance(metres: number): string {
  if (metres < kilometreM - 5) {
    return t("distance.metres", { count: Math.max(10, Math.round(metres / 10) * 10) });
  }
  const kilometres = metres / kilometreM;
  return t("distance.kilometres", {
    count: kilometres < 10 ? Math.round(kilometres * 10) / 10 : Math.round(kilometres),
  });
}

/** Return a number in as few signs as it takes to compare it: `12`, `1.2K`. */
export function compact(count: number): string {
  return new Intl.NumberFormat(tag(), { notation: "compact" }).format(count);
}

interface Local {
  readonly hour: number;
  readonly minute: number;
  readonly day: number;
  readonly month: number;
  readonly year: number;
}

/** Return a moment by a place's clocks: `5:30pm`, `9am tomorrow`, `9am on Monday`, `9am on 3 May`. */
export function moment(instant: string | Date, timeZone: string, now: Date = new Date()): string {
  const at = localOf(new Date(instant), timeZone);
  const days = (dayNumber(at) - dayNumber(localOf(now, timeZone))) / dayMs;
  const time = clock(at);
  if (days === 0) {
    return time;
  }
  if (days === 1) {
    return t("time.tomorrow", { time });
  }
  if (days > 1 && days < week) {
    return t("time.onDay", { time, weekday: t(`weekday.${weekdayOf(at)}` as Key) });
  }
  return t("time.onDate", { time, day: at.day, month: t(`month.${at.month}` as Key) });
}

/** Tell whether two instants are on one day by some clocks. */
export function isSameDay(one: string | Date, other: string | Date, timeZone: string): boolean {
  const [a, b] = [one, other].map((at) => dayNumber(localOf(new Date(at), timeZone)));
  return a === b;
}

/** Return the day of an instant by some clocks: `3 May 2026`. */
export function onDate(instant: string, timeZone: string): string {
  const { day, month, year } = localOf(new Date(instant), timeZone);
  return `${day} ${t(`month.${month}` as Key)} ${year}`;
}

/** Return the time of day by a place's clocks: `5:30pm`. */
export function timeOfDay(instant: string, timeZone: string): string {
  return clock(localOf(new Date(instant), timeZone));
}

/** Return the name of the day of the week that a date falls on, such as `2026-03-04`. */
export function weekday(date: string): string {
  return t(`weekday.${new Date(date).getUTCDay() || week}` as Key);
}

function clock({ hour, minute }: Local): string {
  if (minute === 0 && hour % 12 === 0) {
    return t(hour === 0 ? "time.midnight" : "time.midday");
  }
  const half = t(hour < 12 ? "time.am" : "time.pm");
  const minutes = minute === 0 ? "" : `:${String(minute).padStart(2, "0")}`;
  return `${hour % 12 || 12}${minutes}${half}`;
}

function localOf(at: Date, timeZone: string): Local {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    ...{ year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" },
  });
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  return {
    hour: part("hour"),
    minute: part("minute"),
    day: part("day"),
    month: part("month"),
    year: part("year"),
  };
}

function dayNumber({ year, month, day }: Local): number {
  return Date.UTC(year, month - 1, day);
}

/** 1 for Monday, 7 for Sunday (ISO 8601). */
function weekdayOf(at: Local): number {
  return new Date(dayNumber(at)).getUTCDay() || week;
}
