import { expect, test } from "vitest";
import en from "./en.json";

/** What stands in each file, by its path. */
const sources = import.meta.glob<string>("/src/**/*.{ts,svelte}", {
  query: "?raw",
  import: "default",
  eager: true,
});
const texts = import.meta.glob<object>("/src/languages/*/en.json", {
  import: "default",
  eager: true,
});
const sectionOf = new Map(
  Object.entries(texts).flatMap(([path, messages]) =>
    Object.keys(messages).map((key) => [key, path.split("/").at(-2) ?? ""] as const),
  ),
);

/** Return a file with all that comes with it: those that it imports, and theirs. */
function withImports(file: string, found = new Set<string>()): ReadonlySet<string> {
  const source = sources[file];
  if (source !== undefined && !found.has(file)) {
    found.add(file);
    for (const [, path = ""] of source.matchAll(/^\s*(?:import|export)[^;(]*?from "(\.[^"]+)"/gm)) {
      withImports(new URL(path, `file://${file}`).pathname, found);
    }
  }
  return found;
}

/** Return the sections whose texts a file says by name. */
function sectionsSaid(file: string): ReadonlySet<string> {
  const names = (sources[file] ?? "").matchAll(/"([a-z]\w*(?:\.[\w-]+)+)"/g);
  return new Set([...names].flatMap(([, key = ""]) => sectionOf.get(key) ?? []));
}

const page = /(\w+): (?:within\(\[([^\]]*)\], )?\(\) => import\("\.\/([^"]+)"\)/g;
const pages = [...(sources["/src/routes.ts"] ?? "").matchAll(page)].map(
  ([, name = "", opened = "", path = ""]) => ({
    name,
    opened: [...opened.matchAll(/\w+/g)].map(([section]) => section),
    files: withImports(`/src/${path}`),
  }),
);

test("there are pages, and texts of sections", () => {
  expect(pages.length).toBeGreaterThan(20);
  expect(sectionOf.size).toBeGreaterThan(300);
  expect(Object.keys(en).filter((key) => sectionOf.has(key))).toEqual([]);
});

test.each(pages)("$name opens the sections whose texts it says", ({ opened, files }) => {
  const missing = [...files].flatMap((file) =>
    [...sectionsSaid(file)]
      .filter((section) => !opened.includes(section))
      .map((section) => `${file} says texts of ${section}`),
  );
  expect(missing).toEqual([]);
});
