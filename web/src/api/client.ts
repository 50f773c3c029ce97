/**
 * Calls to the service, which knows this browser by a cookie that no script can read.
 *
 * `await call(api.GET("/v1/places/{place_id}", …))` returns what the service answers, or throws a
 * `Refusal` or `NoAnswer`.
 */

import createClient from "openapi-fetch";
import { askAgain } from "../offline/again.ts";
import { keptHeader } from "../offline/kept.ts";
import { rememberWho } from "../offline/who.ts";
import { Refusal } from "./failures.ts";
import type { components, paths } from "./schema.d.ts";
import { refusalOf, retryAfterOf, send, type Sending } from "./sending.ts";

export type Schemas = components["schemas"];
export type Browser = Schemas["BrowserOut"];

const csrfHeader = "X-CSRF-Token";
const safe = new Set(["GET", "HEAD"]);
/** What shows that a request comes from a page of ours; it goes with the cookies. */
let csrfToken: string | null = null;
let isKnown = false;
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

/** Return since when an answer has been kept on this phone; null of one that has just come. */
export function keptAt(answer: object): string | null {
  return kept.get(answer) ?? null;
}

/** Return what requests must carry that are not made by `api`, such as those whose progress is shown. */
export async function headersOfOurs(): Promise<Readonly<Record<string, string>>> {
  const { csrf_token } = await readBrowser();
  return csrf_token === null ? {} : { [csrfHeader]: csrf_token };
}

/** Ask who this browser is. Cookies that are worthless are gone afterwards. */
export async function readBrowser(sending: Sending = {}): Promise<Browser> {
  const response = await send(new Request("/v1/session", { cache: "no-store" }), sending);
  if (!response.ok) {
    throw await refusalOf(response);
  }
  const browser = (await response.json()) as Browser;
  csrfToken = browser.csrf_token;
  isKnown = true;
  rememberWho(browser);
  return browser;
}

let becoming: Promise<void> | null = null;

/** Have this browser be a device, so that it can do more than read; twice does nothing more. */
export function becomeDevice(): Promise<void> {
  becoming ??= (async () => {
    const { device, member } = await readBrowser();
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
      askAgain();
    }
  })().finally(() => {
    becoming = null;
  });
  return becoming;
}

/**
 * Send as whoever this browser is. Another page, or the service worker, may have got other cookies
 * since, and cookies run out: then who it is is asked once more.
 */
async function authorised(request: Request, isRepeatable?: boolean): Promise<Response> {
  if (!safe.has(request.method) && !isKnown) {
    await readBrowser();
  }
  const sending = isRepeatable === undefined ? {} : { isRepeatable };
  const response = await send(carrying(request), sending);
  if (response.ok || (response.status !== 401 && response.status !== 403)) {
    return response;
  }
  const { code } = await refusalOf(response);
  if (code !== "csrf" && code !== "unauthenticated") {
    return response;
  }
  await readBrowser();
  return send(carrying(request), sending);
}

function carrying(request: Request): Request {
  const copy = new Request(request.clone(), { cache: "no-store" });
  if (csrfToken !== null && !safe.has(request.method)) {
    copy.headers.set(csrfHeader, csrfToken);
  }
  return copy;
}
