/** How browsers keep the app on a home screen; an iPhone lets it get pushes only from there. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, parse } from "node:path";
import type { Plugin } from "vite";

const folder = join(import.meta.dirname, "src/design");
const touchIcon = "app-180.png";
const icons = [
  { file: "app-192.png", sizes: "192x192", purpose: "any" },
  { file: "app-512.png", sizes: "512x512", purpose: "any" },
  { file: "app-maskable-512.png", sizes: "512x512", purpose: "maskable" },
] as const;

interface Asset {
  readonly fileName: string;
  readonly source: string | Buffer;
}

/** Emits the web manifest and its icons, named after what is in them, and links them. */
export function installable(): Plugin {
  const touch = drawn(touchIcon);
  const drawings = icons.map(({ file, ...told }) => ({ ...told, ...drawn(file) }));
  const manifest = named("app.webmanifest", JSON.stringify(manifestWith(drawings)));
  return {
    name: "installable",
    apply: "build",
    generateBundle() {
      for (const { fileName, source } of [touch, ...drawings, manifest]) {
        this.emitFile({ type: "asset", fileName, source });
      }
    },
    transformIndexHtml: () => [
      { tag: "link", attrs: { rel: "manifest", href: `/${manifest.fileName}` } },
      { tag: "link", attrs: { rel: "apple-touch-icon", href: `/${touch.fileName}` } },
    ],
  };
}

/** The app by its manifest (W3C Web Application Manifest). */
function manifestWith(drawings: readonly (Asset & { sizes: string; purpose: string })[]): object {
  return {
    id: "/",
    name: "Nearby",
    short_name: "Nearby",
    lang: "en-GB",
    start_url: "/",
    scope: "/",
    display: "standalone",
    background_color: "#faf8f3",
    theme_color: "#0b4f4a",
    icons: drawings.map(({ fileName, sizes, purpose }) => ({
      src: `/${fileName}`,
      type: "image/png",
      sizes,
      purpose,
    })),
  };
}

function drawn(file: string): Asset {
  return named(file, readFileSync(join(folder, file)));
}

function named(file: string, source: string | Buffer): Asset {
  const { name, ext } = parse(file);
  const hash = createHash("sha256").update(source).digest("hex").slice(0, 8);
  return { fileName: `assets/${name}-${hash}${ext}`, source };
}
