import { t } from "../languages/language.svelte.ts";

const units = [
  ["day", 1],
  ["hour", 2],
  ["minute", 3],
  ["second", 4],
] as const;

/** Return a duration of ISO 8601 in words: `PT1H30M` is `1 hour 30 minutes`. */
export function durationOf(text: string): string {
  const found = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?$/.exec(text);
  const said = units.flatMap(([unit, group]) => {
    const count = Number(found?.[group] ?? 0);
    return count > 0 ? [t(`duration.${unit}s`, { count })] : [];
  });
  return said.join(" ") || text;
}
