import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte()],
  // None of them leaves anything behind that another could see.
  test: { include: ["src/**/*.test.ts"], isolate: false },
});
