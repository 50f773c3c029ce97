import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { build, defineConfig, type Plugin } from "vite";
import { installable } from "./installing.ts";
import { addresses, type PageName } from "./src/addresses.ts";

const service = "http://127.0.0.1:8080";
const worker = "service-worker.js";
const compressible = /\.(css|html|js|json|mjs|svg)$/;

/** Tells the service which addresses are the app's own. */
function tellAddresses(): Plugin {
  return {
    name: "tell-addresses",
    generateBundle() {
      const source = JSON.stringify(Object.values(addresses));
      this.emitFile({ type: "asset", fileName: "addresses.json", source });
    },
  };
}

/** What Vite's manifest says of a file that it built. */
interface Built {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
}

/**
 * Tells the service what each page is made of besides what all are, by their addresses: a browser that
 * is told at once need not find it out from one script after the other.
 */
function tellParts(): Plugin {
  const partsOf = (manifest: Readonly<Record<string, Built>>, source: string): Set<string> => {
    const built = manifest[source];
    const others = built?.imports?.flatMap((one) => [...partsOf(manifest, one)]) ?? [];
    return new Set(built ? [built.file, ...(built.css ?? []), ...others] : []);
  };
  return {
    name: "tell-parts",
    apply: "build",
    async writeBundle({ dir }) {
      const folder = dir ?? "dist";
      const manifest = JSON.parse(await readFile(join(folder, "manifest.json"), "utf-8")) as Record<
        string,
        Built
      >;
      const ofAll = partsOf(manifest, "index.html");
      const parts = (Object.keys(addresses) as PageName[]).map((name) => {
        const source = `src/pages/${name[0]?.toUpperCase()}${name.slice(1)}.svelte`;
        const own = [...partsOf(manifest, source)].filter((file) => !ofAll.has(file));
        return [addresses[name], own];
      });
      await writeFile(join(folder, "parts.json"), JSON.stringify(Object.fromEntries(parts)));
    },
  };
}

/** Makes what stands beside the pages: the service worker, and all files once more, compressed. */
function complete(): Plugin {
  return {
    name: "complete",
    apply: "build",
    async writeBundle({ dir = "dist" }) {
      await buildWorker(dir);
      const assets = (await readdir(join(dir, "assets"))).map((name) => join("assets", name));
      for (const name of [...assets, worker]) {
        if (compressible.test(name)) {
          await compress(join(dir, name));
        }
      }
    },
  };
}

/** Builds the service worker into one script, since not every browser lets one import modules. */
async function buildWorker(folder: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: "warn",
    build: {
      outDir: folder,
      emptyOutDir: false,
      rolldownOptions: {
        input: join(import.meta.dirname, "src/worker/worker.ts"),
        output: { format: "iife", entryFileNames: worker },
      },
    },
  });
}

/** Writes a file once more as the service sends it, so that it compresses nothing itself. */
async function compress(path: string): Promise<void> {
  const content = await readFile(path);
  const size = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  await writeFile(`${path}.br`, brotliCompressSync(content, { params: size }));
  await writeFile(`${path}.gz`, gzipSync(content, { level: 9 }));
}

export default defineConfig({
  plugins: [svelte(), tellAddresses(), tellParts(), installable(), complete()],
  build: {
    // The policy of pages allows no `data:` addresses.
    assetsInlineLimit: 0,
    // Which file came of what; `bench/web.py` weighs pages by it.
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(
      ["/v1", "/pages", "/C", "/service-worker.js"].map((path) => [path, service]),
    ),
  },
});
