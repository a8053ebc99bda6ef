import { describe, expect, it } from "vitest";
import type { Announced } from "../../api/types";
import { wordsFor } from "../../base/i18n";
import { squares } from "../parts/qr";
import { addressOf, announcement } from "./announced";

const told = (shows: Announced["shows"], announced_for = ""): Announced => ({ service: "s", name: "Ciné", shows, announced_for, watch_at: "" });

describe("what a viewer is told of a service that is not here", () => {
  it.each([
    [told("coming"), "Ciné is coming", "Ciné arrive bientôt"],
    [told("coming", "2014-11"), "Ciné is coming in November 2014", "Ciné arrive en novembre 2014"],
    [told("coming", "2014-11-20"), "Ciné is coming on November 20, 2014", "Ciné arrive le 20 novembre 2014"],
    [told("update_needed"), "Ciné will be here once your box is up to date", "Ciné sera là dès que votre box sera à jour"],
    [told("leaving", "2026-12-12"), "Ciné leaves on December 12, 2026", "Ciné nous quitte le 12 décembre 2026"],
    [told("needs_plan"), "You need a plan to watch Ciné", "Il vous faut un abonnement pour regarder Ciné"],
    [told("elsewhere"), "Ciné is on your phone and on the web", "Ciné est sur votre téléphone et sur le web"],
    [told("not_on_this_box"), "Ciné is not made for this box", "Ciné n’est pas prévu sur cette box"],
  ])("%o", (one, english, french) => {
    expect(announcement(one, wordsFor("en"))).toBe(english);
    expect(announcement(one, wordsFor("fr"))).toBe(french);
  });
});

describe("the code that leads to the web", () => {
  it("is of the first service that is there", () => {
    expect(addressOf([told("coming"), told("not_on_this_box")])).toBe("");
    const there = { ...told("elsewhere"), watch_at: "https://tv.example/watch/" };
    expect(addressOf([told("coming"), there])).toBe("https://tv.example/watch/");
  });

  it("is another one for another address, and leaves its edge empty", () => {
    const { path, size } = squares("https://tv.example/watch/");
    expect(path).not.toBe(squares("https://tv.example/watch").path);
    const places = [...path.matchAll(/M(\d+) (\d+)/g)].flatMap(([, x, y]) => [Number(x), Number(y)]);
    expect(Math.min(...places)).toBe(4);
    expect(Math.max(...places)).toBe(size - 5);
  });
});
