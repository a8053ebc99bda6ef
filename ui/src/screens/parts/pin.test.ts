import { describe, expect, it } from "vitest";
import { digitOf, entered, PIN_COLUMNS, PIN_KEYS, PIN_LENGTH } from "./pin";

describe("the pad of the PIN", () => {
  it("has each digit once, in whole rows", () => {
    const digits = PIN_KEYS.flatMap((key) => (key.kind === "digit" ? [key.digit] : []));
    expect([...digits].sort()).toEqual([..."0123456789"]);
    expect(PIN_KEYS.length % PIN_COLUMNS).toBe(0);
  });

  it("takes four digits and no more, erases one, and gives all up", () => {
    const seven = digitOf("7");
    if (!seven) throw new Error("7 is a digit");
    expect(entered("123", seven)).toBe("1237");
    expect(entered("1237", seven)).toHaveLength(PIN_LENGTH);
    expect(entered("12", { kind: "erase" })).toBe("1");
    expect(entered("", { kind: "erase" })).toBe("");
    expect(entered("12", { kind: "cancel" })).toBe("");
  });

  it.each(["a", "Enter", "F1", "١", "", "12"])("%s is no digit", (key) => expect(digitOf(key)).toBeNull());
});
