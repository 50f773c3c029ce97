/** Return the time zone that the phone is set to. */
export function here(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
