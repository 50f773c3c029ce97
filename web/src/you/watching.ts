import type { Schemas } from "../api/client.ts";
import { distance } from "../languages/formats.ts";
import { t } from "../languages/language.svelte.ts";
import { durationOf } from "./durations.ts";

const words = {
  entered: "watching.entered",
  dwelled: "watching.dwelled",
  exited: "watching.exited",
} as const;
type Passing = keyof typeof words;

/** Return what is noticed of phones, each as its text. */
export function noticedOf({ noticed }: Schemas["UseOut"]): (typeof words)[Passing][] {
  return noticed.filter((one): one is Passing => one in words).map((one) => words[one]);
}

/** Say how large an area is, and since when somebody counts as staying there. */
export function areaOf(area: Schemas["WatchedAreaOut"]): string {
  const { radius_m, margin_m, dwell_after } = area;
  const told = [
    radius_m === null ? t("watching.shape") : t("watching.circle", { radius: distance(radius_m) }),
    ...(margin_m > 0 ? [t("watching.margin", { margin: distance(margin_m) })] : []),
    t("watching.dwell", { duration: durationOf(dwell_after) }),
  ];
  return told.join(" ");
}
