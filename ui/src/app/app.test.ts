import { describe, expect, it } from "vitest";
import type { Home, Status } from "../api/types";
import { deviceStore } from "./storage";
import { finished, pause } from "./watch_status";

const status = (ready: boolean, ...names: string[]): Status => ({
  ready,
  ingests: names.map((name) => ({ name, stage: "encode", fraction: 0.5 })),
});

describe("watching films being made", () => {
  it.each([
    ["a film has been finished", status(true, "a", "b"), status(true, "b"), true],
    ["the first one can be watched", status(false, "a"), status(true, "a"), true],
    ["another one was added", status(true, "a"), status(true, "a", "b"), false],
    ["nothing changed", status(true), status(true), false],
  ])("%s", (_, before, now, refresh) => {
    expect(finished(before, now)).toBe(refresh);
  });

  it("asks often while Home is empty, seldom when all is made", () => {
    const filled = { rows: [{ items: [{}] }] } as unknown as Home;
    const pauses = [pause(status(false, "a"), undefined), pause(status(true, "b"), filled), pause(status(true), filled)];
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(new Set(pauses).size).toBe(3);
  });
});

describe("the device's memory", () => {
  it("lasts as long as the page where storage is refused", () => {
    const store = deviceStore(() => {
      throw new DOMException("denied", "SecurityError");
    });
    expect(store.get("a")).toBeNull();
    store.set("a", "1");
    expect(store.get("a")).toBe("1");
    store.set("a", null);
    expect(store.get("a")).toBeNull();
  });
});
