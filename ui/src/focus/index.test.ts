import { beforeEach, describe, expect, it } from "vitest";
import { DIRECTIONS, type Direction } from "../base/actions";
import { FocusIndex, step, type ZoneSpec } from "./index";

const row = (id: string, count: number, more: Partial<ZoneSpec> = {}): ZoneSpec => ({
  id,
  shape: { kind: "row" },
  count,
  ...more,
});

function keys(index: FocusIndex, ...directions: Direction[]): string {
  for (const direction of directions) index.move(direction);
  const { zone, index: at } = index.owner();
  return `${zone ?? "the layer"}:${at}`;
}

describe("one step inside a zone", () => {
  const grid = { shape: { kind: "grid", columns: 3 }, count: 8 } as const;
  it.each([
    ["row, left edge", row("r", 4), 0, "left", null],
    ["row, right", row("r", 4), 0, "right", 1],
    ["row, right edge", row("r", 4), 3, "right", null],
    ["row, down leaves", row("r", 4), 1, "down", null],
    ["column, down", { shape: { kind: "column" }, count: 3 } as const, 1, "down", 2],
    ["column, bottom", { shape: { kind: "column" }, count: 3 } as const, 2, "down", null],
    ["grid, right inside its line", grid, 0, "right", 1],
    ["grid, right edge does not wrap", grid, 2, "right", null],
    ["grid, last line is short", grid, 7, "right", null],
    ["grid, down into a short line takes its last", grid, 5, "down", 7],
    ["grid, down from the last line leaves", grid, 6, "down", null],
    ["grid, up", grid, 4, "up", 1],
    ["grid, top leaves", grid, 1, "up", null],
  ] as const)("%s", (_, zone, at, to, expected) => {
    expect(step(zone, at, to)).toBe(expected);
  });
});

describe("a layer of rows", () => {
  let index: FocusIndex;
  beforeEach(() => {
    index = new FocusIndex();
    index.open({ id: "home", order: ["menu", "a", "empty", "b"], initial: "a" });
    index.put("home", row("menu", 3));
  });

  it("starts at its initial zone, though another came first", () => {
    expect(index.owner().zone).toBe("menu");
    index.put("home", row("a", 5));
    expect(index.owner()).toEqual({ layer: "home", zone: "a", index: 0 });
  });

  it("does not take the focus back from a viewer who has moved", () => {
    index.move("right");
    index.put("home", row("a", 5));
    expect(index.owner()).toEqual({ layer: "home", zone: "menu", index: 1 });
  });

  it("remembers each row's place and steps over empty rows", () => {
    index.put("home", row("a", 5));
    index.put("home", row("empty", 0));
    index.put("home", row("b", 5));
    expect(keys(index, "right", "right", "down")).toBe("b:0");
    expect(keys(index, "right", "up")).toBe("a:2");
    expect(keys(index, "down")).toBe("b:1");
    expect(index.move("down")).toBe(false);
  });

  it("leaves by an exit, and stays where an exit is closed", () => {
    index.put("home", row("a", 2, { exits: { right: "b", down: null } }));
    index.put("home", row("b", 2));
    expect(keys(index, "down")).toBe("a:0");
    expect(keys(index, "right", "right")).toBe("b:0");
  });

  it("goes to the nearest row when its own is gone, and returns when that comes back", () => {
    index.put("home", row("a", 5));
    index.put("home", row("b", 5));
    keys(index, "down", "right");
    index.put("home", row("b", 0));
    expect(index.owner()).toEqual({ layer: "home", zone: "a", index: 0 });
    index.put("home", row("b", 5));
    expect(index.owner()).toEqual({ layer: "home", zone: "b", index: 1 });
  });

  it("stays inside a row that has become shorter", () => {
    index.put("home", row("a", 5));
    keys(index, "right", "right", "right", "right");
    index.put("home", row("a", 2));
    expect(index.owner().index).toBe(1);
  });

  it("is itself the owner while it holds nothing", () => {
    index.put("home", row("menu", 0));
    expect(index.owner()).toEqual({ layer: "home", zone: null, index: 0 });
    expect(index.move("down")).toBe(false);
    expect(index.press()).toBe(false);
  });
});

describe("layers over each other", () => {
  it("gives the keyboard to the topmost and returns it to the same place", () => {
    const index = new FocusIndex();
    index.open({ id: "home", order: ["a"], initial: "a" });
    index.put("home", row("a", 9));
    keys(index, "right", "right");
    index.open({ id: "dialog", order: ["x"], initial: "x" });
    expect(index.owner()).toEqual({ layer: "dialog", zone: null, index: 0 });
    index.put("dialog", row("x", 2));
    expect(keys(index, "right")).toBe("x:1");
    expect(index.claim("home", "a", 0)).toBe(false);
    index.close("dialog");
    expect(index.owner()).toEqual({ layer: "home", zone: "a", index: 2 });
  });

  it("restores a closed layer, although its rows come back one after another", () => {
    const index = new FocusIndex();
    const open = (restore: boolean): void =>
      index.open({ id: "title", order: ["actions", "episodes"], initial: "actions" }, restore);
    open(false);
    index.put("title", row("actions", 2));
    index.put("title", row("episodes", 6));
    keys(index, "down", "right", "right");
    index.remove("title", "actions");
    index.remove("title", "episodes");
    index.close("title");
    open(true);
    index.put("title", row("actions", 2));
    index.put("title", row("episodes", 6));
    expect(index.owner()).toEqual({ layer: "title", zone: "episodes", index: 2 });
    index.close("title");
    open(false);
    index.put("title", row("actions", 2));
    index.put("title", row("episodes", 6));
    expect(index.owner()).toEqual({ layer: "title", zone: "actions", index: 0 });
  });
});

/** mulberry32: small, seeded, the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

describe.each([1, 2, 3, 4, 5])("a random walk, seed %i", (seed) => {
  it("always has exactly one owner, and it always exists", () => {
    const random = seeded(seed);
    const below = (count: number): number => Math.floor(random() * count);
    const index = new FocusIndex();
    const told: number[] = [];
    const zones = ["menu", "a", "b", "c", "grid"];
    const counts = new Map<string, Map<string, number>>();
    const shapeOf = (zone: string): ZoneSpec["shape"] =>
      zone === "grid" ? { kind: "grid", columns: 4 } : zone === "c" ? { kind: "column" } : { kind: "row" };
    const open = (layer: string, restore: boolean): void => {
      counts.delete(layer);
      counts.set(layer, new Map());
      index.open({ id: layer, order: zones, initial: "a" }, restore);
    };
    open("home", false);
    index.subscribe(() => told.push(1));
    for (let at = 0; at < 20_000; at += 1) {
      const top = [...counts.keys()].pop() ?? "home";
      const dice = random();
      if (dice < 0.8) {
        index.move(DIRECTIONS[below(4)] ?? "up");
      } else if (dice < 0.93) {
        const layer = random() < 0.8 ? top : "home";
        const zone = zones[below(zones.length)] ?? "a";
        const count = random() < 0.3 ? 0 : below(40);
        counts.get(layer)?.set(zone, count);
        index.put(layer, { id: zone, shape: shapeOf(zone), count });
      } else if (dice < 0.96) {
        const zone = zones[below(zones.length)] ?? "a";
        counts.get(top)?.delete(zone);
        index.remove(top, zone);
      } else if (dice < 0.98 && counts.size < 4) {
        open(`layer${below(3)}`, random() < 0.5);
      } else if (top !== "home") {
        counts.delete(top);
        index.close(top);
      }
      const owner = index.owner();
      const holds = [...counts.keys()].pop();
      const held = counts.get(owner.layer) ?? new Map<string, number>();
      expect(owner.layer).toBe(holds);
      if (owner.zone === null) expect([...held.values()].every((count) => count === 0)).toBe(true);
      else expect(owner.index >= 0 && owner.index < (held.get(owner.zone) ?? 0)).toBe(true);
    }
    expect(told.length).toBeGreaterThan(1_000);
  });
});
