import type { Schemas } from "../api/client.ts";
import { timeOfDay, weekday } from "../languages/formats.ts";
import { t } from "../languages/language.svelte.ts";

export interface Row {
  readonly id: string;
  readonly day: string;
  readonly times: string;
}

/** Say when a place is open on each of the days from today, by its own clocks. */
export function rowsOf(days: readonly Schemas["OpenDayOut"][], timeZone: string): Row[] {
  return days.map(({ day, spans }, ahead) => ({
    id: day,
    day: ahead === 0 ? t("hours.today") : weekday(day),
    times: timesOf(spans, timeZone),
  }));
}

function timesOf(spans: readonly Schemas["OpenSpanOut"][], timeZone: string): string {
  const [first] = spans;
  if (!first) {
    return t("hours.closedDay");
  }
  // From one midnight to the next, however many hours that is when clocks change.
  if (timeOfDay(first.opens_at, timeZone) === timeOfDay(first.closes_at, timeZone)) {
    return t("hours.allDay");
  }
  const told = spans.map(({ opens_at, closes_at }) =>
    t("hours.span", {
      from: timeOfDay(opens_at, timeZone),
      until: timeOfDay(closes_at, timeZone),
    }),
  );
  return told.join(", ");
}
