import { afterEach, beforeEach, expect, test, vi } from "vitest";

const mine = "shell this";
const pageOf = (build: string): string => `<script src="/assets/${build}.js"></script>`;

/** What caches there are, oldest first, and what is in each. */
const kept = new Map<string, Map<string, string>>();
/** With which policies pages were kept. */
const policies: (string | null)[] = [];
/** What the service has; null as long as it cannot be reached. */
let served: Record<string, string> | null = null;

const pathOf = (request: RequestInfo): string =>
  typeof request === "string" ? request : request.url;

function answer(request: RequestInfo): Promise<Response> {
  const text = served?.[pathOf(request)];
  return served === null
    ? Promise.reject(new TypeError("There is no signal."))
    : Promise.resolve(new Response(text ?? "", { status: text === undefined ? 404 : 200 }));
}

function open(name: string): object {
  const inside = kept.get(name) ?? new Map<string, string>();
  kept.set(name, inside);
  return {
    match: (request: RequestInfo) => {
      const text = inside.get(pathOf(request));
      return Promise.resolve(text === undefined ? undefined : new Response(text));
    },
    put: async (request: RequestInfo, response: Response) => {
      policies.push(response.headers.get("Content-Security-Policy"));
      inside.set(pathOf(request), await response.text());
    },
    addAll: async (paths: string[]) => {
      const all = await Promise.all(paths.map(async (path) => [path, await answer(path)] as const));
      if (all.some(([, { ok }]) => !ok)) {
        throw new TypeError("One of them is not there.");
      }
      for (const [path, response] of all) {
        inside.set(path, await response.text());
      }
    },
  };
}

beforeEach(() => {
  kept.clear();
  served = { "/": pageOf("this"), "/assets/this.js": "this" };
  vi.resetModules();
  vi.stubGlobal("__SHELL__", {
    version: "this",
    files: ["assets/this.js"],
    entry: "assets/this.js",
  });
  vi.stubGlobal("fetch", answer);
  vi.stubGlobal("caches", {
    open: (name: string) => Promise.resolve(open(name)),
    has: (name: string) => Promise.resolve(kept.has(name)),
    keys: () => Promise.resolve([...kept.keys()]),
    delete: (name: string) => Promise.resolve(kept.delete(name)),
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function keepBefore(build: string): void {
  kept.set(
    `shell ${build}`,
    new Map([
      ["/", pageOf(build)],
      [`/assets/${build}.js`, build],
    ]),
  );
}

/** Go to a page, and return what is shown once all is done that comes behind it. */
async function goThere(): Promise<string> {
  const { openPage } = await import("./shell.ts");
  const behind: Promise<unknown>[] = [];
  const event = { request: "/", waitUntil: (work: Promise<unknown>) => behind.push(work) };
  const shown = await openPage(event as unknown as FetchEvent);
  await Promise.all(behind);
  return shown.text();
}

test("a build that could not be kept is kept as soon as it can be", async () => {
  const { keepShell, removeOldShells } = await import("./shell.ts");
  keepBefore("before");
  served = { "/": pageOf("this") };
  await keepShell();
  await removeOldShells();
  expect([...kept.keys()]).toEqual(["shell before"]);

  expect(await goThere()).toBe(pageOf("before"));
  served = { ...served, "/assets/this.js": "this" };
  expect(await goThere()).toBe(pageOf("before"));
  expect(await goThere()).toBe(pageOf("this"));
  served = null;
  expect(await goThere()).toBe(pageOf("this"));
});

test("a worker that was stopped in between begins again", async () => {
  keepBefore("before");
  kept.set(mine, new Map());
  expect(await goThere()).toBe(pageOf("before"));
  expect(await goThere()).toBe(pageOf("this"));
  expect(kept.get(mine)?.get("/assets/this.js")).toBe("this");
});

test("the last whole build stays beside this one", async () => {
  keepBefore("oldest");
  keepBefore("older");
  kept.set("shell half", new Map([["/assets/half.js", "half"]]));
  const { keepShell, removeOldShells } = await import("./shell.ts");
  await Promise.all([keepShell(), removeOldShells()]);
  expect([...kept.keys()].toSorted()).toEqual(["shell older", mine]);
});

test("a page of the next build is left to its own worker", async () => {
  keepBefore("before");
  served = { "/": pageOf("next"), "/assets/this.js": "this" };
  expect(await goThere()).toBe(pageOf("before"));
  expect(kept.has(mine)).toBe(false);
});

test("the same page with another policy takes the place of the one that is kept", async () => {
  const { keepShell } = await import("./shell.ts");
  await keepShell();
  const headers = { "Content-Security-Policy": "default-src 'none'" };
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(pageOf("this"), { headers })));
  expect(await goThere()).toBe(pageOf("this"));
  expect(policies.at(-1)).toBe("default-src 'none'");
});
