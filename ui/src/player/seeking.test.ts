import { describe, expect, it } from "vitest";
import { STEP_MS, clamp, run, speed, step, type Scrub } from "./seeking";

const FILM = 6_000_000;
const at = (targetMs: number): Scrub => ({ targetMs, heldMs: null });

/** A key held for so long on a box that repeats every so many milliseconds. */
function hold(start: number, heldMs: number, everyMs: number, durationMs: number, direction: -1 | 1 = 1): number {
  let scrub = step(at(start), direction, 0, false, durationMs);
  for (let held = everyMs; held <= heldMs; held += everyMs) scrub = step(scrub, direction, held, true, durationMs);
  return scrub.targetMs;
}

describe("seeking", () => {
  it("goes ten seconds for a press, either way", () => {
    expect(step(at(60_000), 1, 0, false, FILM).targetMs).toBe(60_000 + STEP_MS);
    expect(step(at(60_000), -1, 0, false, FILM).targetMs).toBe(60_000 - STEP_MS);
  });

  it("adds presses up, also before the film has followed", () => {
    const twice = step(step(at(0), 1, 0, false, FILM), 1, 0, false, FILM);
    expect(twice.targetMs).toBe(2 * STEP_MS);
  });

  it("travels equally far on boxes that repeat 5 and 30 times a second", () => {
    const slow = hold(0, 4_000, 200, FILM);
    const fast = hold(0, 4_000, 32, FILM);
    expect(slow).toBe(10_000 + 1_500 * 30 + 1_500 * 60 + 1_000 * 120);
    expect(fast).toBe(slow);
  });

  it("grows faster the longer it is held", () => {
    const seconds = [0, 1, 2, 3, 4, 5, 6].map((second) => run(second * 1_000, (second + 1) * 1_000, FILM));
    expect([...seconds].sort((a, b) => a - b)).toEqual(seconds);
    expect(seconds[6]).toBeGreaterThan(4 * (seconds[0] ?? 0));
  });

  it("never crosses a short film in less than six seconds", () => {
    expect(speed(60_000, 30_000)).toBe(5);
    expect(hold(0, 3_000, 100, 30_000)).toBe(10_000 + 3_000 * 5);
  });

  it("stays inside the film and never ends it", () => {
    expect(step(at(4_000), -1, 0, false, FILM).targetMs).toBe(0);
    expect(step(at(FILM - 2_000), 1, 0, false, FILM).targetMs).toBe(FILM - 1_000);
    expect(clamp(5_000, 400)).toBe(0);
  });

  it("starts again slowly after the key came up", () => {
    const released = step(at(0), 1, 9_000, true, FILM);
    const again = step(step({ ...released, targetMs: 0 }, 1, 0, false, FILM), 1, 100, true, FILM);
    expect(again.targetMs).toBe(STEP_MS + 100 * 30);
  });
});
