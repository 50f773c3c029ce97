import type { Schemas } from "../api/client.ts";

/** What stands in the form; times as `HH:MM`. */
export interface Form {
  isQuiet: boolean;
  from: string;
  until: string;
  zone: string;
  language: string;
}

export type Fault = "timeMissing" | "timesSame";

/** Return what the form begins with; quiet hours that somebody may want, where there are none. */
export function readPreferences(told: Schemas["PreferencesOut"]): Form {
  return {
    isQuiet: told.quiet_from !== null,
    from: minutesOf(told.quiet_from) ?? "22:00",
    until: minutesOf(told.quiet_until) ?? "07:00",
    zone: told.time_zone,
    language: told.language ?? "",
  };
}

/** Return what is wrong with the times, each beside its own. */
export function faultsOf({ isQuiet, from, until }: Form): { from?: Fault; until?: Fault } {
  if (!isQuiet) {
    return {};
  }
  if (from !== "" && from === until) {
    return { until: "timesSame" };
  }
  return {
    ...(from === "" ? { from: "timeMissing" } : {}),
    ...(until === "" ? { until: "timeMissing" } : {}),
  };
}

/** Return all time zones the browser knows, and the person's own. */
export function zonesWith(own: string): { value: string; label: string }[] {
  const known = new Set([own, ...Intl.supportedValuesOf("timeZone")]);
  return [...known].sort().map((value) => ({ value, label: value.replaceAll("_", " ") }));
}

function minutesOf(time: string | null): string | null {
  return time?.slice(0, "HH:MM".length) ?? null;
}
