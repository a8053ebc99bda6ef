import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { HeartbeatAnswer } from "../api/types";
import { HeartbeatLoop, type Beat } from "./heartbeat";

const answer = (token: string): HeartbeatAnswer => ({
  manifests: { hls: "", dash: "" },
  token,
  token_expires_at: "2026-01-01T00:00:00Z",
  position_ms: 0,
  stop: null,
});

let beats: Beat[] = [];
let ends: Pick<Beat, "sequence" | "position_ms">[] = [];
let heard: string[] = [];
let replies: ((answer: HeartbeatAnswer | null) => void)[] = [];
let position = 0;

function loop(): HeartbeatLoop {
  return new HeartbeatLoop({
    everyMs: 10_000,
    now: () => ({ position_ms: position, state: "playing" }),
    answered: (it) => heard.push(it.token),
    transport: {
      beat: (beat) => {
        beats.push(beat);
        return new Promise((resolve) => replies.push(resolve));
      },
      end: (beat) => ends.push(beat),
    },
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  [beats, ends, heard, replies, position] = [[], [], [], [], 0];
});
afterEach(() => vi.useRealTimers());

describe("HeartbeatLoop", () => {
  it("beats at once, then steadily, with a sequence that only grows", async () => {
    const heart = loop();
    heart.start();
    await vi.advanceTimersByTimeAsync(30_000);
    heart.end();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(beats.map((beat) => beat.sequence)).toEqual([0, 1, 2, 3]);
    expect(ends).toEqual([{ sequence: 4, position_ms: 0 }]);
  });

  it("goes on when no answer comes", async () => {
    const heart = loop();
    heart.start();
    replies[0]?.(null);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(beats).toHaveLength(2);
    expect(heard).toEqual([]);
  });

  it("drops an older answer that comes after a newer one", async () => {
    const heart = loop();
    heart.start();
    await vi.advanceTimersByTimeAsync(20_000);
    replies[2]?.(answer("third"));
    await vi.advanceTimersByTimeAsync(0);
    replies[1]?.(answer("second"));
    replies[0]?.(answer("first"));
    await vi.advanceTimersByTimeAsync(0);
    expect(heard).toEqual(["third"]);
    heart.end();
  });

  it("makes one report of ten presses, with the last position", async () => {
    const heart = loop();
    heart.start();
    for (let press = 1; press <= 10; press++) {
      position = press * 10_000;
      heart.soon();
      await vi.advanceTimersByTimeAsync(100);
    }
    await vi.advanceTimersByTimeAsync(500);
    expect(beats.map((beat) => beat.position_ms)).toEqual([0, 100_000]);
    heart.end();
  });

  it("says nothing at all for a session that never started", async () => {
    const heart = loop();
    heart.soon();
    heart.now();
    heart.end();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([beats, ends]).toEqual([[], []]);
  });

  it("ends once, and no answer is heard afterwards", async () => {
    const heart = loop();
    heart.start();
    heart.end();
    heart.end();
    heart.start();
    replies[0]?.(answer("late"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ends).toHaveLength(1);
    expect(beats).toHaveLength(1);
    expect(heard).toEqual([]);
  });
});
