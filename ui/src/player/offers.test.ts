import { describe, expect, it } from "vitest";
import type { Marker, Tile } from "../api/types";
import { creditsFrom, offerAt } from "./offers";

const MARKERS: Marker[] = [
  { kind: "recap", start_ms: 0, end_ms: 8_000 },
  { kind: "intro", start_ms: 8_000, end_ms: 20_000 },
  { kind: "credits", start_ms: 90_000, end_ms: 100_000 },
];
const NEXT = { id: "e2", kind: "episode", name: "Two" } as Tile;
const none = new Set<"skip" | "next">();
const kindAt = (position: number, next: Tile | null = NEXT, refused = none) => {
  const offer = offerAt(position, 100_000, MARKERS, next, refused);
  return offer?.kind === "skip" ? `${offer.what}->${offer.toMs}` : (offer?.kind ?? null);
};

describe("offers", () => {
  it.each([
    [0, "recap->8000"],
    [6_499, "recap->8000"],
    [7_000, null],
    [8_000, "intro->20000"],
    [18_600, null],
    [50_000, null],
    [90_000, "next"],
    [100_000, "next"],
  ])("at %i ms: %s", (position, offer) => expect(kindAt(position)).toBe(offer));

  it("offers no next episode where there is none", () => expect(kindAt(95_000, null)).toBeNull());
  it("does not offer again what was sent away", () => {
    expect(kindAt(95_000, NEXT, new Set(["next"]))).toBeNull();
    expect(kindAt(9_000, NEXT, new Set(["skip"]))).toBeNull();
    expect(kindAt(95_000, NEXT, new Set(["skip"]))).toBe("next");
  });
  it.each([
    ["a short clip", 60_000, 54_000],
    ["an episode", 600_000, 582_000],
    ["a long film", 7_200_000, 7_160_000],
  ])("guesses the credits of %s", (_, duration, from) => expect(creditsFrom([], duration)).toBe(from));
  it("offers nothing before the duration is known", () => expect(offerAt(0, 0, [], NEXT, none)).toBeNull());
});
