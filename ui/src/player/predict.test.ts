import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KEEP_MS, Predictor, REST_MS } from "./predict";

let asked: { titleId: string; signal: AbortSignal; ready: (name: string) => void; fail: () => void }[] = [];
let discarded: string[] = [];

const predictor = () =>
  new Predictor<string>({
    prepare: (titleId, signal) =>
      new Promise((resolve, reject) => asked.push({ titleId, signal, ready: resolve, fail: () => reject(new Error("no")) })),
    discard: (name) => discarded.push(name),
  });
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  [asked, discarded] = [[], []];
});
afterEach(() => vi.useRealTimers());

describe("Predictor", () => {
  it("asks for nothing before the focus has rested", async () => {
    const it = predictor();
    it.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS - 1);
    expect(asked).toHaveLength(0);
    it.hint("a");
    await vi.advanceTimersByTimeAsync(1);
    expect(asked.map((one) => one.titleId)).toEqual(["a"]);
  });

  it("asks for nothing while the focus runs along a row", async () => {
    const it = predictor();
    for (const title of ["a", "b", "c", "d"]) {
      it.hint(title);
      await vi.advanceTimersByTimeAsync(REST_MS - 100);
    }
    expect(asked).toHaveLength(0);
  });

  it("hands over what is ready, once", async () => {
    const it = predictor();
    it.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    asked[0]?.ready("film a");
    await settle();
    expect(it.stage).toBe("ready");
    expect(await it.take("a")).toBe("film a");
    expect(it.take("a")).toBeNull();
    await vi.advanceTimersByTimeAsync(2 * KEEP_MS);
    expect(discarded).toEqual([]);
  });

  it("hands over what is still on its way", async () => {
    const it = predictor();
    it.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    const taken = it.take("a");
    asked[0]?.ready("film a");
    expect(await taken).toBe("film a");
    expect(discarded).toEqual([]);
  });

  it("hands over at once what is ready, and nothing that is only on its way", async () => {
    const it = predictor();
    it.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    expect(it.takeReady("a")).toBeNull();
    asked[0]?.ready("film a");
    await settle();
    expect(it.takeReady("b")).toBeNull();
    expect(it.takeReady("a")).toBe("film a");
    expect(it.takeReady("a")).toBeNull();
    await vi.advanceTimersByTimeAsync(2 * KEEP_MS);
    expect(discarded).toEqual([]);
  });

  it("gives a film back after a minute that nobody took it", async () => {
    const it = predictor();
    it.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    asked[0]?.ready("film a");
    await vi.advanceTimersByTimeAsync(KEEP_MS);
    expect(discarded).toEqual(["film a"]);
    expect(it.take("a")).toBeNull();
  });

  it("gives a film back when the focus leaves, also one that comes later", async () => {
    const it = predictor();
    it.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    it.cancel();
    expect(asked[0]?.signal.aborted).toBe(true);
    asked[0]?.ready("film a");
    await settle();
    expect(discarded).toEqual(["film a"]);
  });

  it("keeps one at most: another title's OK gives this one back", async () => {
    const it = predictor();
    it.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    asked[0]?.ready("film a");
    await settle();
    expect(it.take("b")).toBeNull();
    await settle();
    expect(discarded).toEqual(["film a"]);
  });

  it("forgets a prediction that failed, and may predict again", async () => {
    const it = predictor();
    it.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    asked[0]?.fail();
    await settle();
    expect(it.stage).toBe("idle");
    it.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    expect(asked).toHaveLength(2);
  });
});
