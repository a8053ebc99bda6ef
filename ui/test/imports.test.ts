// The one rule of the house, held here for the screens: a folder imports only folders before it, towards `base`. The
// launcher outlives releases, so it may use `base` alone and nothing may use it.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ORDER = ["base", "focus", "boxes", "api", "telemetry", "player", "screens", "app"];
const SRC = resolve(import.meta.dirname, "../src");

interface Import {
  file: string;
  from: string;
  to: string;
}

export function forbidden({ from, to }: Pick<Import, "from" | "to">): boolean {
  if (from === to) return false;
  if (from === "launcher") return to !== "base";
  return ORDER.indexOf(to) < 0 || ORDER.indexOf(to) > ORDER.indexOf(from);
}

function imports(): Import[] {
  const found: Import[] = [];
  for (const entry of readdirSync(SRC, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const file = relative(SRC, path);
    const text = readFileSync(path, "utf8");
    for (const match of text.matchAll(/(?:from\s+|import\s*\(?\s*)["'](\.[^"']*)["']/g)) {
      const target = relative(SRC, resolve(dirname(path), match[1] ?? ""));
      found.push({ file, from: file.split("/")[0] ?? "", to: target.split("/")[0] ?? "" });
    }
  }
  return found;
}

describe("imports go towards base", () => {
  it("knows a broken one", () => {
    expect(forbidden({ from: "base", to: "api" })).toBe(true);
    expect(forbidden({ from: "launcher", to: "app" })).toBe(true);
    expect(forbidden({ from: "app", to: "launcher" })).toBe(true);
    expect(forbidden({ from: "screens", to: "player" })).toBe(false);
  });

  it("finds none", () => {
    const all = imports();
    expect(all.length).toBeGreaterThan(0);
    expect(all.filter(forbidden)).toEqual([]);
  });
});
