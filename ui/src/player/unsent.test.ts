import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, NetworkError } from "../api/errors";
import { MOST, OLDEST_MS, UnsentEnds } from "./unsent";

let kept: Map<string, string>;
let answers: (Error | null)[];
let sent: string[];
let now: number;

const store = { get: (key: string) => kept.get(key) ?? null, set: (key: string, value: string | null) => void (value === null ? kept.delete(key) : kept.set(key, value)) };
const client = {
  endPlayback: (session: string, sequence: number, position: number, options: { lateMs?: number } = {}) => {
    sent.push(`${session} ${sequence} ${position} late ${options.lateMs ?? 0}`);
    const answer = answers.shift();
    return answer ? Promise.reject(answer) : Promise.resolve();
  },
};
const made = (): UnsentEnds => new UnsentEnds(client, store, () => now);
const away = (): NetworkError => new NetworkError("away");
const problem = (status: number): ApiError => new ApiError(status, { type: "", title: "", status, code: "x" });

beforeEach(() => {
  vi.useFakeTimers();
  [kept, answers, sent, now] = [new Map(), [], [], 1_000_000];
});
afterEach(() => vi.useRealTimers());

describe("the end of a film that nobody hears", () => {
  it("is told once where somebody hears it, and nothing is kept", async () => {
    await made().tell("s", 4, 5_000);
    expect([sent, kept.size]).toEqual([["s 4 5000 late 0"], 0]);
  });

  it("is kept and told again until somebody hears it, with its age", async () => {
    answers = [away(), problem(503)];
    await made().tell("s", 4, 5_000);
    now += 30_000;
    await vi.advanceTimersByTimeAsync(30_000);
    now += 30_000;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(sent).toEqual(["s 4 5000 late 0", "s 4 5000 late 30000", "s 4 5000 late 60000"]);
    expect(kept.size).toBe(0);
  });

  it("outlives the page", async () => {
    answers = [away()];
    await made().tell("s", 4, 5_000);
    now += 600_000;
    await made().retry();
    expect(sent.at(-1)).toBe("s 4 5000 late 600000");
    expect(kept.size).toBe(0);
  });

  it("is given up where the server knows of no such play, or it is too old", async () => {
    answers = [away(), away(), problem(404), away()];
    const unsent = made();
    await unsent.tell("gone", 1, 1);
    await unsent.tell("old", 1, 1);
    await unsent.retry();
    expect(kept.get("matinee.unsent")).toContain('"old"');
    expect(kept.get("matinee.unsent")).not.toContain('"gone"');
    now += OLDEST_MS + 1;
    await unsent.retry();
    expect([sent.length, kept.size]).toEqual([4, 0]);
  });

  it("keeps the newest, and takes no harm from what somebody else wrote there", async () => {
    kept.set("matinee.unsent", '[{"session": 1}, "x"]');
    answers = Array.from({ length: MOST + 5 }, away);
    const unsent = made();
    for (let n = 0; n < MOST + 5; n += 1) await unsent.tell(`s${n}`, 0, 0);
    expect((JSON.parse(kept.get("matinee.unsent") ?? "[]") as { session: string }[]).map((one) => one.session)[0]).toBe("s5");
    kept.set("matinee.unsent", "{");
    await unsent.retry();
  });

  it("waits where nobody is signed in", async () => {
    answers = [problem(401)];
    await made().tell("s", 0, 0);
    expect(kept.size).toBe(1);
  });
});
