import { describe, expect, it } from "vitest";
import type { Announced } from "../../api/types";
import { wordsFor } from "../../base/i18n";
import { announcement } from "./announced";

const told = (shows: Announced["shows"], announced_for = ""): Announced => ({ service: "s", name: "Ciné", shows, announced_for });

describe("what a viewer is told of a service that is not here", () => {
  it.each([
    [told("coming"), "Ciné is coming", "Ciné arrive bientôt"],
    [told("coming", "2014-11"), "Ciné is coming in November 2014", "Ciné arrive en novembre 2014"],
    [told("coming", "2014-11-20"), "Ciné is coming on November 20, 2014", "Ciné arrive le 20 novembre 2014"],
    [told("update_needed"), "Ciné will be here once your box is up to date", "Ciné sera là dès que votre box sera à jour"],
    [told("leaving", "2026-12-12"), "Ciné leaves on December 12, 2026", "Ciné nous quitte le 12 décembre 2026"],
    [told("not_on_this_box"), "Ciné is not made for this box", "Ciné n’est pas prévu sur cette box"],
  ])("%o", (one, english, french) => {
    expect(announcement(one, wordsFor("en"))).toBe(english);
    expect(announcement(one, wordsFor("fr"))).toBe(french);
  });
});
