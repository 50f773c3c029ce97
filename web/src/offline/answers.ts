/** Which of the service's answers are kept, to be shown without signal with their age. */

/** Nothing older than this is shown. */
export const keepMs = 7 * 24 * 3600 * 1000;
/** No more than this many answers are kept. */
export const mostAnswers = 100;

const id = "[0-9a-f-]{36}";
const lists = /^\/v1\/(places|tasks|notifications)$/;
const single = new RegExp(
  `^/v1/(places/${id}(/listings)?|tasks/${id}(/photos|/steps)?|(offers|events|notifications)/${id})$`,
);
/** The next times of an event; later ones are asked for by an instant. */
const times = new RegExp(`^/v1/events/${id}/occurrences$`);
/** Where one stood: a list of what was near is shown wherever one is, and positions are not kept. */
const position = "near";

/**
 * Return by which address an answer is kept; null where it is not, as of later pages of a list.
 *
 * A list of what is near replaces the one before, wherever that was.
 */
export function keyOf(url: URL): string | null {
  if (single.test(url.pathname)) {
    return url.pathname;
  }
  const query = new URLSearchParams(url.search);
  if (times.test(url.pathname)) {
    return query.has("since") ? null : url.pathname;
  }
  if (!lists.test(url.pathname) || query.has("cursor") || query.has("bbox")) {
    return null;
  }
  if (query.has(position)) {
    query.set(position, "");
  }
  query.sort();
  return `${url.pathname}?${query.toString()}`;
}

const identities = /^\/v1\/(sign-ins?(\/.*)?|me|oidc\/.*)$/;
/** By which this browser becomes a device, has another cookie for it, or is none any more. */
const devices = new RegExp(`^(POST /v1/devices(/me/token)?|DELETE /v1/devices/(me|${id}))$`);
const reading = new Set(["GET", "HEAD"]);

/** Tell whether who the browser is may be another after a request: then nothing kept is theirs. */
export function changesWho(method: string, { pathname }: URL): boolean {
  return (
    devices.test(`${method} ${pathname}`) ||
    (identities.test(pathname) && (!reading.has(method) || pathname.startsWith("/v1/oidc/")))
  );
}

const ofOne = new RegExp(`^(/v1/(offers|events)/${id})/`);

/** Return under which addresses lies what is another after a request: an offer used, a place booked. */
export function keysChangedBy(method: string, { pathname }: URL): readonly string[] {
  const [, one] = reading.has(method) ? [] : (ofOne.exec(pathname) ?? []);
  return one === undefined ? [] : [one, `${one}/occurrences`];
}

/** Tell whether nobody is known by this browser after a request, so that nothing of theirs may stay. */
export function endsDevice(method: string, { pathname }: URL): boolean {
  return method === "DELETE" && (pathname === "/v1/me" || pathname === "/v1/devices/me");
}
