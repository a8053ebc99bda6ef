import { createRoot } from "solid-js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createScrubbing, type Scrubbing } from "./scrubbing";

let log: string[] = [];
let position = 60_000;
let playing = true;

function scrubbing(): Scrubbing {
  return createRoot(() =>
    createScrubbing({
      positionMs: () => position,
      durationMs: () => 6_000_000,
      playing: () => playing,
      seek: (to) => log.push(`seek ${to / 1000}`),
      play: () => log.push("play"),
      pause: () => log.push("pause"),
    }),
  );
}

beforeEach(() => {
  vi.useFakeTimers();
  [log, position, playing] = [[], 60_000, true];
});
afterEach(() => vi.useRealTimers());

describe("scrubbing", () => {
  it("moves the film at the first press, without stopping it", () => {
    const it = scrubbing();
    it.press(1, 0, false);
    it.release();
    expect(log).toEqual(["seek 70"]);
    expect(it.targetMs()).toBe(70_000);
    vi.advanceTimersByTime(2_000);
    expect(it.targetMs()).toBeNull();
  });

  it("makes one journey of quick presses: the first at once, the last when they end", () => {
    const it = scrubbing();
    for (let press = 0; press < 4; press++) {
      it.press(1, 0, false);
      vi.advanceTimersByTime(120);
      it.release();
    }
    expect(log).toEqual(["seek 70"]);
    vi.advanceTimersByTime(450);
    expect(log).toEqual(["seek 70", "seek 100"]);
  });

  it("freezes the picture while a key is held and goes on where it came up", () => {
    const it = scrubbing();
    it.press(1, 0, false);
    for (let held = 500; held <= 1_500; held += 100) it.press(1, held, true);
    expect(log).toEqual(["seek 70", "pause"]);
    it.release();
    expect(log).toEqual(["seek 70", "pause", "seek 115", "play"]);
  });

  it("follows also when no key-up ever comes", () => {
    const it = scrubbing();
    it.press(-1, 0, false);
    it.press(-1, 600, true);
    vi.advanceTimersByTime(450);
    expect(log).toEqual(["seek 50", "pause", "seek 32", "play"]);
  });

  it("leaves a paused film paused", () => {
    playing = false;
    const it = scrubbing();
    it.press(1, 0, false);
    it.press(1, 600, true);
    it.release();
    expect(log).toEqual(["seek 70", "seek 88"]);
  });

  it("drags without moving the film before the finger lifts", () => {
    const it = scrubbing();
    it.drag(1_000_000);
    it.drag(2_000_000);
    expect(log).toEqual(["pause"]);
    it.release();
    expect(log).toEqual(["pause", "seek 2000", "play"]);
  });

  it("forgets a drag that was broken off", () => {
    const it = scrubbing();
    it.drag(1_000_000);
    it.cancel();
    expect(log).toEqual(["pause", "play"]);
    expect(it.targetMs()).toBeNull();
  });
});
