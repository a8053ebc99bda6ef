import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { fill, languageFor, wordsFor } from "./i18n";
import { catalogues, type Message, type MessageKey } from "./messages";

const KEYS = Object.keys(catalogues.en) as MessageKey[];
const texts = (message: Message): string[] => (typeof message === "string" ? [message] : [message.one, message.other]);
const places = (message: Message): string =>
  [...new Set(texts(message).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort().join(" ");

describe("the catalogues", () => {
  it("have the same keys", () => {
    expect(Object.keys(catalogues.fr).sort()).toEqual([...KEYS].sort());
  });

  it.each(KEYS)("%s is there in both languages, with the same places for values", (key) => {
    for (const catalogue of Object.values(catalogues)) for (const text of texts(catalogue[key])) expect(text.trim()).not.toBe("");
    expect(places(catalogues.fr[key])).toBe(places(catalogues.en[key]));
  });

  it("hold no word that nobody uses", () => {
    const src = resolve(import.meta.dirname, "..");
    const code = readdirSync(src, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/messages|\.test\./.test(entry.name))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
      .join("\n");
    // These families are reached by a key put together from the server's words.
    const built = /^(genre|role|error|status\.stage)\./;
    expect(KEYS.filter((key) => !built.test(key) && !code.includes(`"${key}"`))).toEqual([]);
  });
});

describe("words", () => {
  const en = wordsFor("en");
  const fr = wordsFor("fr");

  it("choose singular and plural as each language does", () => {
    expect([0, 1, 2].map((n) => en.t("search.count", { n }))).toEqual(["0 titles", "1 title", "2 titles"]);
    expect([0, 1, 2].map((n) => fr.t("search.count", { n }))).toEqual(["0 titre", "1 titre", "2 titres"]);
  });

  it("say durations", () => {
    expect([20_000, 60_000, 3_600_000, 6_720_000].map(en.duration)).toEqual(["20s", "1m", "1h", "1h 52m"]);
    expect(fr.duration(6_720_000).replace(/\s/g, " ")).toBe("1h 52min");
  });

  it("say money by its currency's minor unit", () => {
    expect(en.money({ minor: 799, currency: "EUR" })).toBe("€7.99");
    expect(fr.money({ minor: 799, currency: "EUR" }).replace(/\s/g, " ")).toBe("7,99 €");
    expect([en.money({ minor: 500, currency: "JPY" }), en.money({ minor: -150, currency: "EUR" })]).toEqual(["¥500", "-€1.50"]);
  });

  it("never show sixty minutes", () => {
    expect(en.duration(3_599_000)).toBe("1h");
  });

  it("name languages, also odd ones", () => {
    expect([en.languageName("fr"), fr.languageName("fr"), fr.languageName("und")]).toEqual([
      "French",
      "Français",
      "Version originale",
    ]);
    expect(en.languageName("not a tag!")).toBe("Not a tag!");
  });

  it("show an unknown genre or role as it came", () => {
    expect([en.genre("drama"), en.genre("peplum"), en.genre("science fiction")]).toEqual(["Drama", "Peplum", "Science fiction"]);
    expect(fr.role("director")).toBe("Réalisation");
  });

  it("leave a place without a value visible", () => {
    expect(fill("{a} {b}", { a: 1 })).toBe("1 {b}");
  });

  it.each([
    [["fr-CA", "en"], "fr"],
    [["de", "en-GB"], "en"],
    [["de"], "en"],
    [[], "en"],
  ])("for a reader of %j: %s", (wished, expected) => {
    expect(languageFor(wished)).toBe(expected);
  });
});
