/**
 * What was last seen, for where there is no signal. All of it may be somebody's own, so it lies in a
 * cache that is emptied whenever this browser may have become somebody else.
 */

import type { Browser } from "../api/client.ts";
import { endsDevice, keepMs, mostAnswers } from "../offline/answers.ts";
import { answersCache as name, keptHeader } from "../offline/kept.ts";
import { tell } from "../offline/sending.ts";
import { removeAllWaiting } from "../offline/store.ts";

/** Under this address lies whose answers they are; it is none of the service's. */
const owner = "/whose";
/** An answer of before is shown once a new one has taken this long. */
const impatientMs = 4000;
/** A proxy, or the service itself, says that it could not be asked just now. */
const passing = new Set([502, 503, 504]);

/** Another one after each emptying: what was asked before it is not kept after it. */
let generation = 0;
/** How many answers have been asked for. */
let asks = 0;
/** Which of them is kept, by its key: one that comes late does not replace a later one. */
const keptAsks = new Map<string, number>();
/** What is written is written one after the other. */
let writing: Promise<void> = Promise.resolve();

/** When an answer was asked for. */
interface Asked {
  readonly generation: number;
  readonly ask: number;
}

/** Return the service's answer, or the one of before if none comes in time. */
export async function answer(event: FetchEvent, key: string): Promise<Response> {
  const asked: Asked = { generation, ask: ++asks };
  const kept = await find(key);
  const coming = fetch(event.request).then((response) => {
    event.waitUntil(keep(key, response.clone(), asked));
    return response;
  });
  if (!kept) {
    return coming;
  }
  // It is kept also if it comes after the other was shown.
  event.waitUntil(coming.catch(() => undefined));
  try {
    const fresh = await Promise.race([coming, late()]);
    return fresh === null || passing.has(fresh.status) ? kept : fresh;
  } catch {
    return kept;
  }
}

/** Return who the browser is; what was kept for somebody else is gone before anyone learns of it. */
export async function answerWho(event: FetchEvent): Promise<Response> {
  const asked = generation;
  const response = await fetch(event.request);
  if (response.ok) {
    const { device, member } = (await response.clone().json()) as Browser;
    const who = `${device?.id ?? ""} ${member?.id ?? ""}`;
    // Whoever it was before somebody signed in is not who it is now.
    await inTurn(async () => {
      if (asked === generation) {
        await belongTo(who);
      }
    });
  }
  return response;
}

/** Empty the cache before something is sent that makes the browser somebody else, and after it. */
export async function answerAnew(event: FetchEvent): Promise<Response> {
  await forgetAnswers();
  const response = await fetch(event.request);
  await forgetAnswers();
  if (response.ok && endsDevice(event.request.method, new URL(event.request.url))) {
    await quietly(removeAllWaiting);
    tell();
  }
  return response;
}

/** Empty the cache. */
export async function forgetAnswers(): Promise<void> {
  generation += 1;
  await caches.delete(name);
}

async function belongTo(who: string): Promise<void> {
  const cache = await caches.open(name);
  const before = await (await cache.match(owner))?.text();
  if (before !== undefined && before !== who) {
    await forgetAnswers();
  }
  if (before !== who) {
    await (await caches.open(name)).put(owner, new Response(who));
  }
}

async function find(key: string): Promise<Response | undefined> {
  const found = await (await caches.open(name)).match(key);
  const at = Date.parse(found?.headers.get(keptHeader) ?? "");
  return Date.now() - at < keepMs ? found : undefined;
}

async function keep(key: string, response: Response, asked: Asked): Promise<void> {
  if (response.status === 401) {
    // Whoever it was is known no more, unless somebody has signed in since.
    if (asked.generation === generation) {
      await forgetAnswers();
    }
  } else if (response.ok) {
    const headers = new Headers(response.headers);
    headers.set(keptHeader, new Date().toISOString());
    const copy = new Response(await response.blob(), { headers });
    await inTurn(async () => {
      const isOutdated = (keptAsks.get(key) ?? 0) > asked.ask;
      if (asked.generation === generation && !isOutdated) {
        keptAsks.set(key, asked.ask);
        const cache = await caches.open(name);
        // Last in the order of the cache, which is that of age.
        await cache.delete(key);
        await cache.put(key, copy);
        await trim(cache);
      }
    });
  } else if (response.status === 404 || response.status === 403) {
    await inTurn(async () => {
      await (await caches.open(name)).delete(key);
    });
  }
}

function inTurn(work: () => Promise<void>): Promise<void> {
  writing = writing.then(() => quietly(work));
  return writing;
}

async function trim(cache: Cache): Promise<void> {
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, -mostAnswers).map((key) => cache.delete(key)));
}

/** Where there is no room, nothing is kept. */
async function quietly(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch {
    // The answer itself is shown all the same.
  }
}

function late(): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, impatientMs, null));
}
