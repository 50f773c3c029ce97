import type { Refusal } from "./failures.ts";
import { t } from "../languages/language.svelte.ts";

const minuteS = 60;

/** Say how long the service asks to be left alone: `45 seconds`, `3 minutes`. */
export function waitOf({ problem, retryAfterS }: Refusal): string {
  const told = (problem as { retry_after_s?: number }).retry_after_s ?? retryAfterS ?? minuteS;
  return told < 2 * minuteS
    ? t("wait.seconds", { count: Math.ceil(told) })
    : t("wait.minutes", { count: Math.ceil(told / minuteS) });
}
