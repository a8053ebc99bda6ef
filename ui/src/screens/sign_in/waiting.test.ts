import { createRoot } from "solid-js";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { DeviceCode, Polled } from "../../api/device_code";
import { createWaiting } from "./waiting";

const made = (number: number): DeviceCode => ({
  device_code: `d${number}`,
  user_code: `CODE-${number}`,
  verification_uri: "https://tv.example/activate",
  verification_uri_complete: "",
  expires_in: 60,
  interval: 5,
});

async function waiting(polled: (Polled | "away")[], asks: (DeviceCode | "away")[] = [made(1), made(2), made(3)]) {
  vi.useFakeTimers();
  vi.setSystemTime(0);
  const done = vi.fn();
  const polls: number[] = [];
  const screen = createRoot((dispose) => ({
    dispose,
    ...createWaiting({
      ask: async () => {
        const next = asks.shift();
        if (next === undefined || next === "away") throw new Error("away");
        return next;
      },
      poll: async () => {
        polls.push(Date.now() / 1000);
        const next = polled.shift() ?? { kind: "waiting" };
        if (next === "away") throw new Error("away");
        return next;
      },
      done,
      now: () => Date.now(),
      after(run, ms) {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    }),
  }));
  await vi.advanceTimersByTimeAsync(0);
  return { ...screen, done, polls };
}

const tokens = { access_token: "a", refresh_token: "r", expires_in: 900 };

afterEach(() => {
  vi.useRealTimers();
});

describe("a code that waits", () => {
  it("is asked about at the server's pace, slower for good where it says so, and brings tokens once", async () => {
    const one = await waiting([{ kind: "waiting" }, { kind: "slower" }, "away", { kind: "done", tokens }]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(one.polls).toEqual([5, 10, 20, 30]);
    expect(one.done.mock.calls).toEqual([[tokens]]);
    one.dispose();
  });

  it("is made anew before it is too old, and counts down till then", async () => {
    const one = await waiting([]);
    expect([one.code()?.user_code, one.left()]).toEqual(["CODE-1", 40]);
    await vi.advanceTimersByTimeAsync(39_000);
    expect([one.code()?.user_code, one.left()]).toEqual(["CODE-1", 1]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([one.code()?.user_code, one.left()]).toEqual(["CODE-2", 40]);
    one.dispose();
    const before = one.polls.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(one.polls.length).toBe(before);
  });

  it("says that it was refused, and another comes when it is asked for", async () => {
    const one = await waiting([{ kind: "refused" }]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect([one.phase(), one.code()]).toEqual(["refused", null]);
    one.again();
    await vi.advanceTimersByTimeAsync(0);
    expect([one.phase(), one.code()?.user_code]).toEqual(["shown", "CODE-2"]);
    one.dispose();
  });

  it("comes by itself once the service can be reached", async () => {
    const one = await waiting([], ["away", made(1)]);
    expect(one.phase()).toBe("away");
    await vi.advanceTimersByTimeAsync(5_000);
    expect([one.phase(), one.code()?.user_code]).toEqual(["shown", "CODE-1"]);
    one.dispose();
  });

  it("is replaced where the server knows it no more", async () => {
    const one = await waiting([{ kind: "over" }]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(one.code()?.user_code).toBe("CODE-2");
    one.dispose();
  });
});
