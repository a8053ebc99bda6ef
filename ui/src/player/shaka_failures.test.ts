import { describe, expect, it } from "vitest";
import { PlayerFailure } from "./port";
import { failureOf, isPassing, wantsRenewal, type ShakaError } from "./shaka_failures";

const error = (category: number, code: number, ...data: unknown[]): ShakaError => ({ category, code, data, severity: 2 });

describe("what Shaka's numbers mean", () => {
  it.each([
    ["no answer", error(1, 1002, "https://edge/x"), "network", "1002"],
    ["the edge is overloaded", error(1, 1001, "https://edge/x", 503), "network", "1001 HTTP 503"],
    ["the token ran out", error(1, 1001, "https://edge/x", 403), "gone", "1001 HTTP 403"],
    ["the film is gone", error(1, 1001, "https://edge/x", 404), "gone", "1001 HTTP 404"],
    ["no ClearKey here", error(6, 6001), "unsupported", "6001"],
    ["a wrong key", error(6, 6008), "licence", "6008"],
    ["no key fits any rung", error(4, 4012), "licence", "4012"],
    ["no codec fits", error(4, 4032), "unsupported", "4032"],
    ["a manifest that is none", error(4, 4001), "media", "4001"],
    ["the decoder gave up", error(3, 3016), "media", "3016"],
  ] as const)("%s", (_, from, code, detail) => {
    const failure = failureOf(from);
    expect([failure.code, failure.detail]).toEqual([code, detail]);
  });

  it("keeps our own failures, and names those of no one", () => {
    const own = new PlayerFailure("gone", "x");
    expect(failureOf(own)).toBe(own);
    expect(failureOf(new TypeError("import failed")).code).toBe("engine");
  });

  it("tries again what may pass, with a new token where the old one is refused", () => {
    expect(isPassing(error(1, 1003))).toBe(true);
    expect(isPassing(error(3, 3016))).toBe(false);
    expect(wantsRenewal(error(1, 1001, "", 403))).toBe(true);
    expect(wantsRenewal(error(1, 1001, "", 500))).toBe(false);
    expect(wantsRenewal(error(1, 1002))).toBe(false);
  });
});
