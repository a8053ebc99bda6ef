// The launcher outlives releases: its own entry, its own folder, nothing shared with the app at run time.
import { defineConfig } from "vite";

export default defineConfig({
  base: "/box/",
  publicDir: false,
  build: {
    outDir: "dist/box",
    emptyOutDir: true,
    target: "es2020",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: { input: { launcher: "launcher.html" } },
  },
});
