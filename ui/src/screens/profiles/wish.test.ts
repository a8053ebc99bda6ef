import { describe, expect, it } from "vitest";
import type { Profile } from "../../api/types";
import { asksPin, changesOf, named, wishOf, withAge, withKids } from "./wish";

const KID: Profile = {
  id: "k", name: "Zoé", color: "#3d7ea6", avatar: "owl", age_class: 10, kids: true, asks_pin: false,
  language: "fr", audio_language: "fr", subtitle_language: null,
};

describe("a profile that is put together", () => {
  it("begins as what it is, or as a grown-up's", () => {
    expect(wishOf(KID, "#000000", "en")).toEqual({ name: "Zoé", color: "#3d7ea6", avatar: "owl", age_class: 10, kids: true, language: "fr" });
    expect(wishOf(null, "#c8553d", "fr")).toMatchObject({ name: "", color: "#c8553d", age_class: 18, kids: false });
  });

  it("is a child's only as far as children's films go", () => {
    const wish = wishOf(KID, "", "fr");
    expect(withAge(wish, 16)).toMatchObject({ age_class: 16, kids: false });
    expect(withAge(wish, 12)).toMatchObject({ age_class: 12, kids: true });
    expect(withKids(wishOf(null, "", "fr"), true)).toMatchObject({ age_class: 10, kids: true });
    expect(withKids(wish, false)).toMatchObject({ age_class: 10, kids: false });
  });

  it("has a name with a capital, no space before it, and no more than fits", () => {
    const wish = wishOf(null, "", "fr");
    expect(named(wish, "  élodie").name).toBe("Élodie");
    expect(named(wish, "").name).toBe("");
    expect([...named(wish, "👍".repeat(40)).name]).toHaveLength(24);
  });

  it("tells what was changed, and asks for the PIN where the server does", () => {
    const wish = wishOf(KID, "", "fr");
    expect(changesOf(KID, wish)).toEqual({});
    expect(changesOf(KID, { ...wish, name: "Léa", kids: false })).toEqual({ name: "Léa", kids: false });
    expect(asksPin(true, KID, { ...wish, name: "Léa" })).toBe(false);
    expect(asksPin(true, KID, withAge(wish, 12))).toBe(true);
    expect(asksPin(true, null, wish)).toBe(true);
    expect(asksPin(false, null, wish)).toBe(false);
  });
});
