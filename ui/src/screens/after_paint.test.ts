import { describe, expect, it } from "vitest";
import { STEP, towards } from "./after_paint";

const range = (from: number, to: number) => ({ from, to });

describe("one step towards the items that are wished", () => {
  it.each([
    ["from nothing", range(0, 0), range(0, 9), range(0, 3)],
    ["more of the same row", range(0, 3), range(0, 9), range(0, 6)],
    ["the last few", range(0, 8), range(0, 9), range(0, 9)],
    ["one to the right: one goes, one comes", range(0, 9), range(1, 10), range(1, 10)],
    ["one to the left", range(3, 12), range(2, 11), range(2, 11)],
    ["left by more than a step", range(8, 12), range(2, 11), range(5, 11)],
    ["both ends at once share the step", range(4, 6), range(2, 8), range(3, 8)],
    ["somewhere else altogether", range(0, 9), range(40, 49), range(40, 43)],
    ["a list that has become shorter", range(0, 9), range(0, 4), range(0, 4)],
    ["nothing at all", range(0, 9), range(0, 0), range(0, 0)],
  ])("%s", (_, now, next, expected) => {
    expect(towards(now, next)).toEqual(expected);
  });

  it("always comes to its end, and never makes more than a step at once", () => {
    for (let from = 0; from < 12; from += 1) {
      for (let to = from; to < 14; to += 1) {
        let now = range(5, 9);
        const next = range(from, to);
        for (let steps = 0; steps < 12; steps += 1) {
          const then = towards(now, next);
          const kept = Math.max(0, Math.min(now.to, then.to) - Math.max(now.from, then.from));
          expect(then.to - then.from - kept).toBeLessThanOrEqual(STEP);
          now = then;
        }
        expect(now.to - now.from).toBe(next.to - next.from);
        if (next.to > next.from) expect(now).toEqual(next);
      }
    }
  });
});
