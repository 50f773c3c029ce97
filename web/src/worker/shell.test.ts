import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeCaches } from "./fakes.ts";

const mine = "shell this";
const pageOf = (build: string): string => `<script src="/assets/${build}.js"></script>`;

let faked = fakeCaches();

beforeEach(() => {
  faked = fakeCaches();
  faked.served = { "/": pageOf("this"), "/assets/this.js": "this" };
  vi.resetModules();
  vi.stubGlobal("__SHELL__", {
    version: "this",
    files: ["assets/this.js"],
    entry: "assets/this.js",
  });
  vi.stubGlobal("fetch", faked.globals.fetch);
  vi.stubGlobal("caches", faked.globals.caches);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function keepBefore(build: string): void {
  const files = { "/": pageOf(build), [`/assets/${build}.js`]: build };
  faked.kept.set(`shell ${build}`, insideOf(files));
}

function insideOf(files: Record<string, string>): Map<string, { text: string; headers: Headers }> {
  const headers = new Headers();
  return new Map(Object.entries(files).map(([path, text]) => [path, { text, headers }]));
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
  faked.served = { "/": pageOf("this") };
  await keepShell();
  await removeOldShells();
  expect([...faked.kept.keys()]).toEqual(["shell before"]);

  expect(await goThere()).toBe(pageOf("before"));
  faked.served = { ...faked.served, "/assets/this.js": "this" };
  expect(await goThere()).toBe(pageOf("before"));
  expect(await goThere()).toBe(pageOf("this"));
  faked.served = null;
  expect(await goThere()).toBe(pageOf("this"));
});

test("a worker that was stopped in between begins again", async () => {
  keepBefore("before");
  faked.kept.set(mine, new Map());
  expect(await goThere()).toBe(pageOf("before"));
  expect(await goThere()).toBe(pageOf("this"));
  expect(faked.kept.get(mine)?.get("/assets/this.js")?.text).toBe("this");
});

test("the last whole build stays beside this one", async () => {
  keepBefore("oldest");
  keepBefore("older");
  faked.kept.set("shell half", insideOf({ "/assets/half.js": "half" }));
  const { keepShell, removeOldShells } = await import("./shell.ts");
  await Promise.all([keepShell(), removeOldShells()]);
  expect([...faked.kept.keys()].toSorted()).toEqual(["shell older", mine]);
});

test("a page of the next build is left to its own worker", async () => {
  keepBefore("before");
  faked.served = { "/": pageOf("next"), "/assets/this.js": "this" };
  expect(await goThere()).toBe(pageOf("before"));
  expect(faked.kept.has(mine)).toBe(false);
});

test("the same page with another policy takes the place of the one that is kept", async () => {
  const { keepShell } = await import("./shell.ts");
  await keepShell();
  const headers = { "Content-Security-Policy": "default-src 'none'" };
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(pageOf("this"), { headers })));
  expect(await goThere()).toBe(pageOf("this"));
  expect(faked.kept.get(mine)?.get("/")?.headers.get("Content-Security-Policy")).toBe(
    "default-src 'none'",
  );
});
