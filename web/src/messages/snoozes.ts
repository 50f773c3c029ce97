/** Until when somebody may want to put a message off, by the clocks of their phone. */

export const snoozes = ["hour", "evening", "tomorrow", "monday"] as const;
export type Snooze = (typeof snoozes)[number];

const evening = 18;
const morning = 8;
const hourMs = 3_600_000;
const monday = 1;
const week = 7;

/** Return the moments to choose from, the soonest first; what is too near to be of use is left out. */
export function momentsAt(now: Date): readonly (readonly [Snooze, Date])[] {
  const inAnHour = new Date(now.getTime() + hourMs);
  const tonight = onDay(now, 0, evening);
  const tomorrow = onDay(now, 1, morning);
  const nextMonday = onDay(now, (monday - now.getDay() + week) % week || week, morning);
  const moments: [Snooze, Date][] = [["hour", inAnHour]];
  if (tonight > inAnHour) {
    moments.push(["evening", tonight]);
  }
  moments.push(["tomorrow", tomorrow]);
  if (nextMonday > tomorrow) {
    moments.push(["monday", nextMonday]);
  }
  return moments;
}

function onDay(now: Date, days: number, hour: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
}
