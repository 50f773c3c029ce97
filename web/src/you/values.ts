/** What is held, said so that people can read it. */

import { hrefOf } from "../addresses.ts";
import { onDate, timeOfDay } from "../languages/formats.ts";
import { knows, language, t } from "../languages/language.svelte.ts";

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Return a value as people say it; times by the clocks of a zone. */
export function saidOf(value: unknown, timeZone: string): string {
  if (typeof value === "boolean") {
    return t(value ? "held.yes" : "held.no");
  }
  if (typeof value === "string") {
    return instant.test(value)
      ? `${onDate(value, timeZone)}, ${timeOfDay(value, timeZone)}`
      : value;
  }
  if (Array.isArray(value)) {
    return value.map((one) => saidOf(one, timeZone)).join(", ");
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([name, one]) => `${name} ${saidOf(one, timeZone)}`)
      .join(", ");
  }
  return typeof value === "number" ? String(value) : "";
}

const choices = { href: hrefOf("choices"), key: "held.byChoices" } as const;
const devices = { href: "#devices", key: "held.byDevices" } as const;
const ways: Readonly<Record<string, typeof choices | typeof devices>> = {
  person: choices,
  consents: choices,
  interests: choices,
  devices,
  "joining-codes": devices,
};

/** Return where a kind is put right by its person, where that is on a page of these. */
export function wayToCorrect(kind: string): typeof choices | typeof devices | null {
  return ways[kind] ?? null;
}

/** Return what a kind is called: in our words if we have some, else in the service's. */
export function titleOf({ kind, title }: { kind: string; title: string }): {
  text: string;
  lang: string | undefined;
} {
  const key = `kind.${kind}`;
  return knows(key)
    ? { text: t(key), lang: undefined }
    : { text: title, lang: language() === "en" ? undefined : "en" };
}
