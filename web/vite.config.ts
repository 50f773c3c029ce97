import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";
import { addresses } from "./src/addresses.ts";

const service = "http://127.0.0.1:8080";
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

/** Writes each asset once more as the service sends it, so that it compresses nothing itself. */
function compress(): Plugin {
  return {
    name: "compress",
    apply: "build",
    async writeBundle({ dir }) {
      const folder = join(dir ?? "dist", "assets");
      const names = (await readdir(folder)).filter((name) => compressible.test(name));
      for (const name of names) {
        const path = join(folder, name);
        const content = await readFile(path);
        const size = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
        await writeFile(`${path}.br`, brotliCompressSync(content, { params: size }));
        await writeFile(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [svelte(), tellAddresses(), compress()],
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
      ["/v1", "/pages", "/C", "/service-worker.js"].map((path) => [
        path,
        service,
      ]),
    ),
  },
});
