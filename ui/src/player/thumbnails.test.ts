import { describe, expect, it } from "vitest";
import type { Thumbnails } from "../api/types";
import { sheetsAround, strip, tileAt, tileIndex } from "./thumbnails";

const FILM: Thumbnails = {
  url_template: "https://edge.example/s/T/p/x/thumbs/{n}.jpg",
  columns: 5,
  rows: 4,
  tile_width: 320,
  tile_height: 180,
  interval_ms: 2_000,
  count: 43,
};
const sheet = (n: number) => `https://edge.example/s/T/p/x/thumbs/${n}.jpg`;

describe("thumbnails", () => {
  it.each([
    ["the start", 0, 0],
    ["just before the second tile", 1_999, 0],
    ["the second tile", 2_000, 1],
    ["beyond the end", 999_999, 42],
    ["before the start", -5, 0],
  ])("tile of %s", (_, moment, index) => expect(tileIndex(FILM, moment)).toBe(index));

  it.each([
    [0, sheet(1), 0, 0],
    [4, sheet(1), 1280, 0],
    [5, sheet(1), 0, 180],
    [19, sheet(1), 1280, 540],
    [20, sheet(2), 0, 0],
    [42, sheet(3), 640, 0],
  ])("tile %i lies on %s at %i, %i", (index, url, x, y) => expect(tileAt(FILM, index)).toEqual({ index, url, x, y }));

  it("fetches its own sheet first, then the next, then the one before, and no sheet that is not there", () => {
    expect(sheetsAround(FILM, 0)).toEqual([sheet(1), sheet(2)]);
    expect(sheetsAround(FILM, 45_000)).toEqual([sheet(2), sheet(3), sheet(1)]);
    expect(sheetsAround(FILM, 86_000)).toEqual([sheet(3), sheet(2)]);
  });

  it("keeps the moment in the middle of the strip, also at the film's ends", () => {
    expect(strip(FILM, 0, 86_000, 2, 10_000).map((tile) => tile?.index ?? null)).toEqual([null, null, 0, 5, 10]);
    expect(strip(FILM, 85_000, 86_000, 1, 10_000).map((tile) => tile?.index ?? null)).toEqual([37, 42, null]);
  });
});
