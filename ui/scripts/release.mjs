// Turn Vite's output into what the server hands out, all under dist/:
//
//   ui/<version>/...    the release; <version> is the hash of its files, so a release never changes in place
//   release.json        {product, version, entry, integrity, styles}: what a launcher needs to start it
//   box/index.html      the launcher (television)
//   watch/index.html    the page for web and phone, which starts the release directly
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ui = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(ui, "dist");
const built = join(dist, ".release");

const manifest = JSON.parse(readFileSync(join(built, "manifest.json"), "utf8"));
rmSync(join(built, "manifest.json"));

const files = readdirSync(built, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(built.length + 1))
  .sort();
const digest = createHash("sha256");
for (const name of files) digest.update(`${name}\n`).update(readFileSync(join(built, name)));
const version = digest.digest("hex").slice(0, 12);

const root = join(dist, "ui");
rmSync(root, { recursive: true, force: true });
mkdirSync(root, { recursive: true });
renameSync(built, join(root, version));

const at = (name) => `/ui/${version}/${name}`;
const integrity = (name) =>
  `sha384-${createHash("sha384").update(readFileSync(join(root, version, name))).digest("base64")}`;

const entry = Object.values(manifest).find((chunk) => chunk.isEntry);
if (!entry) throw new Error("release: the build has no entry");
const styles = files.filter((name) => name.endsWith(".css")).map(at);
const release = { product: "matinee-ui", version, entry: at(entry.file), integrity: integrity(entry.file), styles };
writeFileSync(join(dist, "release.json"), `${JSON.stringify(release, null, 2)}\n`);

const preloads = [...reachable(entry)].map((name) => `<link rel="modulepreload" href="${at(name)}">`);
const font = files.find((name) => /manrope-latin-wght.*\.woff2$/.test(name));
if (font) preloads.push(`<link rel="preload" as="font" type="font/woff2" crossorigin href="${at(font)}">`);
const head = [
  `<meta name="matinee-release" content="${version}">`,
  ...preloads,
  ...styles.map((href) => `<link rel="stylesheet" href="${href}">`),
  `<script type="module" crossorigin src="${release.entry}" integrity="${release.integrity}"></script>`,
];
const page = readFileSync(join(ui, "watch.html"), "utf8");
if (!page.includes("<!-- release -->")) throw new Error("release: watch.html has lost its place for the release");
mkdirSync(join(dist, "watch"), { recursive: true });
writeFileSync(join(dist, "watch", "index.html"), page.replace("<!-- release -->", head.join("\n    ")));

if (existsSync(join(dist, "box", "launcher.html")))
  renameSync(join(dist, "box", "launcher.html"), join(dist, "box", "index.html"));

console.log(`release ${version}: ${files.length} files`);

/** The chunks that the entry imports at once, without the entry itself. */
function reachable(chunk, found = new Set()) {
  for (const key of chunk.imports ?? []) {
    const next = manifest[key];
    if (!next || found.has(next.file)) continue;
    found.add(next.file);
    reachable(next, found);
  }
  return found;
}
