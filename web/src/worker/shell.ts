/**
 * The app itself, kept so that it opens without signal: the page, which is the same at each of its
 * addresses, and the files that it loads.
 *
 * A build has a cache of its own. The one before is kept beside it, for tabs that are open and load
 * some of its files later.
 */

/** What the build put in place of this; the map is not among its files, since it weighs more than all of them. */
declare const __SHELL__: {
  readonly version: string;
  readonly files: readonly string[];
  /** One of the files, which only the page of the same build names. */
  readonly entry: string;
};

const prefix = "shell ";
const name = `${prefix}${__SHELL__.version}`;
const page = "/";
/** Whoever sends a file may have chosen among forms of it by what the browser takes. */
const matching = { ignoreVary: true };

/** While this build is being kept: whoever wants it too waits for the same. */
let keeping: Promise<void> | null = null;

/** Keep this build; without the room or the signal for it, the app goes on without. */
export function keepShell(): Promise<void> {
  keeping ??= keepWhole().finally(() => {
    keeping = null;
  });
  return keeping;
}

/** Remove what was kept of builds, but this one's and the last whole one before. */
export async function removeOldShells(): Promise<void> {
  const before = (await shells()).filter((one) => one !== name);
  const pages = await Promise.all(before.map(pageIn));
  const last = before.findLast((_, index) => pages[index]);
  await Promise.all(before.filter((one) => one !== last).map((one) => caches.delete(one)));
}

/** Return the page: the one that is kept, at once, else from the service. */
export async function openPage(event: FetchEvent): Promise<Response> {
  const own = await pageIn(name);
  // A build that could not be kept whole is kept now; until then the one before opens.
  event.waitUntil(own ? refresh(own.clone()) : keepShell());
  return own ?? (await find(page)) ?? fetch(event.request);
}

/** Return a file of the app's; one that was not kept yet, such as the map, is from now on. */
export async function openFile(event: FetchEvent): Promise<Response> {
  const kept = await find(event.request);
  if (kept) {
    return kept;
  }
  const response = await fetch(event.request);
  if (response.ok && (await caches.has(name))) {
    event.waitUntil(put(event.request, response.clone()));
  }
  return response;
}

/** The page is put last: a browser may stop a worker in between, and what has no page is not whole. */
async function keepWhole(): Promise<void> {
  if (await pageIn(name)) {
    return;
  }
  try {
    const index = await fetch(page, { cache: "reload" });
    if (!(await index.clone().text()).includes(__SHELL__.entry)) {
      // A page of another build, which has a worker of its own.
      return;
    }
    const cache = await caches.open(name);
    await cache.addAll(__SHELL__.files.map((file) => `/${file}`));
    await cache.put(page, index);
  } catch {
    await caches.delete(name);
  }
}

/** The page says what may be loaded, which is a setting: the same page may come with another policy. */
async function refresh(kept: Response): Promise<void> {
  try {
    const fresh = await fetch(page, { cache: "no-cache" });
    if (fresh.ok && (await fresh.clone().text()) === (await kept.text())) {
      await put(page, fresh);
    }
  } catch {
    // Without signal it stays as it is.
  }
}

async function put(request: RequestInfo, response: Response): Promise<void> {
  try {
    await (await caches.open(name)).put(request, response);
  } catch {
    // No room: then it is loaded each time.
  }
}

/** Look in this build's cache first, then in the one before. */
async function find(request: RequestInfo): Promise<Response | undefined> {
  for (const one of [name, ...(await shells()).reverse()]) {
    const found = await findIn(one, request);
    if (found) {
      return found;
    }
  }
  return undefined;
}

/** Return the page of a build that is kept whole. */
function pageIn(build: string): Promise<Response | undefined> {
  return findIn(build, page);
}

async function findIn(build: string, request: RequestInfo): Promise<Response | undefined> {
  return (await caches.has(build))
    ? (await caches.open(build)).match(request, matching)
    : undefined;
}

async function shells(): Promise<string[]> {
  return (await caches.keys()).filter((one) => one.startsWith(prefix));
}
