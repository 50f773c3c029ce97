/** Working hours that are the same on each of some days, as OpenStreetMap writes them. */

import type { Key } from "../languages/messages.ts";

export const days = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"] as const;
export type Day = (typeof days)[number];

export interface Hours {
  /** In the order of the week. */
  readonly on: readonly Day[];
  /** `09:00` */
  readonly from: string;
  readonly until: string;
}

const usual: Hours = { on: ["Mo", "Tu", "We", "Th", "Fr"], from: "09:00", until: "17:00" };

/** What stands in the form; `written` where hours say more than days and times. */
export interface Form {
  on: Day[];
  from: string;
  until: string;
  written: string;
}

/** Return what the form begins with: what is set, else hours that somebody may want. */
export function formOf(hours: string | null): Form {
  const { on, from, until } = (hours === null ? null : readHours(hours)) ?? usual;
  return { on: [...on], from, until, written: hours ?? "" };
}

export type Faults = Partial<Record<"days" | "from" | "until" | "written", Key>>;

/** Return what is wrong with hours that are the same each day, each beside its own. */
export function faultsOf({ on, from, until }: Form): Faults {
  return {
    ...(on.length === 0 && { days: "hours.noDays" }),
    ...(from === "" && { from: "hours.noFrom" }),
    ...(until === "" && { until: "hours.noUntil" }),
    ...(from !== "" && from === until && { until: "hours.same" }),
  };
}

const written = /^([A-Za-z,-]+) (\d{2}:\d{2})-(\d{2}:\d{2})$/;

/** Read hours; null where they say more than this. */
export function readHours(text: string): Hours | null {
  const [, told = "", from = "", until = ""] = written.exec(text) ?? [];
  const on = told.split(",").map(readDays);
  if (from === "" || on.some((some) => some === null)) {
    return null;
  }
  const named = new Set(on.flatMap((some) => some ?? []));
  return { on: days.filter((day) => named.has(day)), from, until };
}

/** Write hours: `Mo-We,Fr 09:00-17:00`. */
export function writeHours({ on, from, until }: Hours): string {
  const runs: Day[][] = [];
  for (const day of days.filter((one) => on.includes(one))) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run && last && days.indexOf(last) === days.indexOf(day) - 1) {
      run.push(day);
    } else {
      runs.push([day]);
    }
  }
  const told = runs.map((run) => (run.length > 1 ? `${run[0] ?? ""}-${run.at(-1) ?? ""}` : run[0]));
  return `${told.join(",")} ${from}-${until}`;
}

function readDays(text: string): readonly Day[] | null {
  const [first = "", last = first, more] = text.split("-");
  const from = days.indexOf(first as Day);
  const until = days.indexOf(last as Day);
  return more !== undefined || from < 0 || until < from ? null : days.slice(from, until + 1);
}
