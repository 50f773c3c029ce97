/** Working hours that are the same on each of some days, as OpenStreetMap writes them. */

export const days = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"] as const;
export type Day = (typeof days)[number];

export interface Hours {
  /** In the order of the week. */
  readonly on: readonly Day[];
  /** `09:00` */
  readonly from: string;
  readonly until: string;
}

export const usual: Hours = { on: ["Mo", "Tu", "We", "Th", "Fr"], from: "09:00", until: "17:00" };

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
