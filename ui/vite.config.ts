// The app: one release for television, web and phone. Its files refer to each other by relative addresses, because the
// folder's name is the hash of what is in it, and so is known only after the build (scripts/release.mjs gives the name).
import { defineConfig } from "vite";
import solid from "vite-plugin-solid";

export default defineConfig({
  base: "./",
  plugins: [solid()],
  publicDir: false,
  build: {
    outDir: "dist/.release",
    emptyOutDir: true,
    manifest: "manifest.json",
    target: "es2020",
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
    rolldownOptions: { input: { matinee: "src/app/main.tsx" } },
  },
});
