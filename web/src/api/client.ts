/**
 * Calls to the service, which knows this browser by a cookie that no script can read.
 *
 * `await call(api.GET("/v1/places/{place_id}", …))` returns what the service answers, or throws a
 * `Refusal` or `NoAnswer`.
 */

import createClient from "openapi-fetch";
import { askAgain } from "../offline/again.ts";
import { keptHeader } from "../offline/kept.ts";
import { recallWho, rememberWho, whoOf, type Doer, type Who } from "../offline/who.ts";
import { isUnknown, Refusal } from "./failures.ts";
import type { components, paths } from "./schema.d.ts";
import { refusalOf, retryAfterOf, send, type Sending } from "./sending.ts";

export type Schemas = components["schemas"];
export type Browser = Schemas["BrowserOut"];

const csrfHeader = "X-CSRF-Token";
const safe = new Set(["GET", "HEAD"]);
const unauthenticated = 401;
const forbidden = 403;
/** What shows that a request comes from a page of ours; it goes with the cookies. */
let csrfToken: string | null = null;
let isKnown = false;
/** As whom this page acts until it is loaded anew; null as long as that is nobody. */
let acting: Who | null = null;
/** Whether somebody else was here when the service was asked last, as after a sign-in in another tab. */
let isAnothers = false;
/** A service worker shows nothing, and acts as whoever is there. */
const isPage = "document" in globalThis;
const signIn = "POST /v1/sign-in";
/** After these the page acts as whoever is there then. */
const turns = new Set([
  signIn,
  "DELETE /v1/sign-in",
  "POST /v1/devices",
  "DELETE /v1/devices/me",
  "DELETE /v1/me",
]);
/** Answers that the service worker had kept, and since when. */
const kept = new WeakMap<object, string>();

/** The service's routes, typed by its OpenAPI document. */
export const api = createClient<paths>({ fetch: (request) => authorised(request) });

/** For what carries an id of its own: `fetch: repeatable` lets it be sent again. */
export const repeatable = (request: Request): Promise<Response> => authorised(request, true);

/**
 * Send only as whoever the browser was when it got a token, and once: with the cookies of somebody else
 * the service refuses it.
 */
export function boundTo(
  token: string | null,
  sending: Sending = {},
): (request: Request) => Promise<Response> {
  return (request) => {
    const copy = new Request(request, { cache: "no-store" });
    if (token !== null) {
      copy.headers.set(csrfHeader, token);
    }
    return send(copy, { ...sending, isRepeatable: false });
  };
}

/** Return what a call answers; throws `Refusal` or `NoAnswer`. */
export async function call<Data>(
  answer: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  const { data, error, response } = await answer;
  if (!response.ok) {
    throw new Refusal(response.status, error ?? {}, retryAfterOf(response));
  }
  const at = response.headers.get(keptHeader);
  if (at !== null && typeof data === "object" && data !== null) {
    kept.set(data, at);
  }
  return data as Data;
}

/** Return since when the oldest of some answers has been kept on this phone; null if all have just come. */
export function keptAt(...answers: readonly object[]): string | null {
  const times = answers.flatMap((answer) => kept.get(answer) ?? []);
  return times.sort()[0] ?? null;
}

/** Return what requests must carry that are not made by `api`, such as those whose progress is shown. */
export async function headersOfOurs(): Promise<Readonly<Record<string, string>>> {
  await readBrowser();
  return csrfToken === null ? {} : { [csrfHeader]: csrfToken };
}

/**
 * Return as whom this page acts: whoever it was when the page was loaded, or became somebody, with who
 * was signed in last.
 */
export function whoActs(): Doer {
  return { ...recallWho(), ...acting };
}

/** Ask who this browser is. Cookies that are worthless are gone afterwards. */
export async function readBrowser(sending: Sending = {}): Promise<Browser> {
  const response = await send(new Request("/v1/session", { cache: "no-store" }), sending);
  if (!response.ok) {
    throw await refusalOf(response);
  }
  const browser = (await response.json()) as Browser;
  isKnown = true;
  rememberWho(browser);
  const now = whoOf(browser);
  const actor = actorOf(now);
  isAnothers = isPage && acting !== null && actor !== null && actor !== actorOf(acting);
  if (!isAnothers) {
    csrfToken = browser.csrf_token;
    acting = actor === null ? acting : now;
  }
  return browser;
}

let becoming: Promise<void> | null = null;

/** Have this browser be a device, so that it can do more than read; twice does nothing more. */
export function becomeDevice(): Promise<void> {
  becoming ??= (async () => {
    const { device, member } = await readBrowser();
    if (isAnothers) {
      throw new Refusal(forbidden, { type: "/problems/csrf" });
    }
    if (!device) {
      const time_zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      const body = {
        credential: "cookie",
        time_zone,
        places_only: false,
        replaces_device: false,
      } as const;
      const made = await call(api.POST("/v1/devices", { body }));
      csrfToken = made.csrf_token;
      rememberWho({ device: made, member });
      acting = whoOf({ device: made, member });
      askAgain();
    }
  })().finally(() => {
    becoming = null;
  });
  return becoming;
}

/**
 * Send as whoever this page acts as. Another page, or the service worker, may have got other cookies
 * since, and cookies run out: then who it is is asked once more. What somebody did is not sent as
 * somebody else.
 */
async function authorised(request: Request, isRepeatable?: boolean): Promise<Response> {
  if (!safe.has(request.method) && !isKnown) {
    await readBrowser();
  }
  const sending = isRepeatable === undefined ? {} : { isRepeatable };
  const what = `${request.method} ${new URL(request.url).pathname}`;
  let response = await send(carrying(request), sending);
  if (await isOfAnother(response)) {
    if (what === signIn) {
      acting = null;
    }
    await readBrowser();
    if (!isAnothers || safe.has(request.method)) {
      response = await send(carrying(request), sending);
    }
  }
  if (response.ok && turns.has(what)) {
    acting = null;
  }
  return response;
}

/** Tell whether the service takes a request for somebody else's than the browser is now. */
async function isOfAnother(response: Response): Promise<boolean> {
  if (response.status !== unauthenticated && response.status !== forbidden) {
    return false;
  }
  return isUnknown(await refusalOf(response));
}

/** Return who acts by the cookies of a browser: its member, before its device. */
function actorOf({ device, member }: Who): string | null {
  return member ?? device;
}

function carrying(request: Request): Request {
  const copy = new Request(request.clone(), { cache: "no-store" });
  if (csrfToken !== null && !safe.has(request.method)) {
    copy.headers.set(csrfHeader, csrfToken);
  }
  return copy;
}
