import { describe, expect, it } from "vitest";
import { Pace, SLOW_MS } from "./pace";

const told = (...keys: number[]): number => {
  let times = 0;
  const pace = new Pace(() => (times += 1));
  for (const ms of keys) pace.note(ms);
  return times;
};
const FAST = SLOW_MS / 3;
const LATE = SLOW_MS * 3;

describe("how fast a box is", () => {
  it.each([
    ["too few keys to tell", Array<number>(6).fill(LATE), 0],
    ["a fast box", Array<number>(40).fill(FAST), 0],
    ["a slow box, told once", Array<number>(40).fill(LATE), 1],
    ["a fast box that was busy for three keys", [FAST, FAST, FAST, FAST, LATE, LATE, LATE, FAST, FAST, FAST], 0],
    ["a fast start, then a box that has become slow", [...Array<number>(20).fill(FAST), ...Array<number>(7).fill(LATE)], 1],
    ["just as slow as is still fast", Array<number>(20).fill(SLOW_MS), 0],
  ])("%s", (_, keys, times) => {
    expect(told(...keys)).toBe(times);
  });
});
