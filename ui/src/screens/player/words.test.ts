import { describe, expect, it } from "vitest";
import { PLAYER_WORDS, clock, say } from "./words";

const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

describe("the player's words", () => {
  it("have the same places for values in both languages, and say something", () => {
    for (const [word, text] of Object.entries(PLAYER_WORDS.en)) {
      const french = PLAYER_WORDS.fr[word as keyof typeof PLAYER_WORDS.fr];
      expect(french, word).not.toBe("");
      expect(places(french), word).toEqual(places(text));
    }
  });
  it("fill in values", () => expect(say("fr", "episode", { season: 1, episode: 3 })).toBe("Saison 1 · Épisode 3"));
  it.each([
    [0, "0:00"],
    [59_999, "0:59"],
    [83_000, "1:23"],
    [3_723_000, "1:02:03"],
    [-5, "0:00"],
  ])("a clock of %i ms says %s", (ms, text) => expect(clock(ms)).toBe(text));
});
