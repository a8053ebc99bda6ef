import { describe, expect, it } from "vitest";
import type { HomePlan } from "../../api/types";
import { wordsFor } from "../../base/i18n";
import { billTold, dayBefore, limitsTold, loweredTold, stateTold } from "./told";
import { codeOf, grouped } from "./voucher_code";

const en = wordsFor("en");
const DIRECT: HomePlan = {
  service_id: "s",
  service_name: "Matinee",
  plan: { name: "Everything", streams: 2, max_height: null },
  seller: "us",
  operator: null,
  state: "active",
  waits_for: null,
  since: "2014-10-02T10:00:00Z",
  until: null,
  price: { minor: 799, currency: "EUR" },
  next_charge: "2014-11-02",
  trial_until: null,
  due: null,
  lowered_from: null,
};
const OPERATORS: HomePlan = { ...DIRECT, seller: "operator", operator: "Orange", price: null, next_charge: null };
const LATER = "2014-11-09T23:00:00Z";

describe("how a plan stands", () => {
  it.each<[string, Partial<HomePlan>, string]>([
    ["active", {}, "goes on month by month"],
    ["a link to open", { state: "pending", waits_for: "link" }, "the link that Orange sent you"],
    ["after another ends", { state: "pending", waits_for: "other", until: LATER }, "begins on November 9, 2014"],
    ["after another ends, some day", { state: "pending", waits_for: "other" }, "begins when what you have already paid for ends"],
    ["ending", { state: "ending", until: LATER }, "until November 9, 2014"],
    ["suspended", { state: "suspended" }, "until Orange takes it up again"],
    ["the operator's grace", { state: "grace" }, "A bill of Orange is late"],
    ["cancelled", { state: "cancelled" }, "ended on October 2, 2014"],
    ["revoked", { state: "revoked" }, "ended by Orange on October 2, 2014"],
    ["over", { state: "ended" }, "ended on October 2, 2014"],
  ])("%s", (_, change, says) => {
    expect(stateTold({ ...OPERATORS, ...change }, en).replace(/\s/g, " ")).toContain(says);
  });

  it("names what is due, and until when it plays", () => {
    const due = { amount: { minor: 799, currency: "EUR" }, grace_until: LATER };
    expect(stateTold({ ...DIRECT, state: "grace", due }, en)).toContain("€7.99 could not be paid. Everything plays until November 9, 2014");
  });
});

describe("who is paid", () => {
  it("is told with the price, the trial and the next charge", () => {
    expect(billTold({ ...DIRECT, trial_until: LATER }, en)).toEqual([
      "Paid to Matinee, out of your credit",
      "€7.99 a month",
      "Free until November 9, 2014",
      "Next charge on November 2, 2014",
    ]);
    expect(billTold({ ...OPERATORS, price: { minor: 850, currency: "EUR" } }, en)).toEqual([
      "Paid to Orange, on its bill",
      "€8.50 on the last bill",
    ]);
    expect(billTold({ ...DIRECT, state: "ended" }, en)).toEqual([]);
  });

  it("is told of a plan that gives less than before", () => {
    const lowered_from = { name: "Family", streams: 4, max_height: 1080 };
    expect(loweredTold({ ...DIRECT, lowered_from }, en)).toContain("less than “Family” did: 4 films at once, pictures up to 1080p");
    expect(loweredTold(DIRECT, en)).toBeNull();
    expect(limitsTold({ name: "x", streams: 1, max_height: null }, en)).toBe("1 film at a time, the best picture there is");
  });
});

it("ends an invoice's line on the day before the next one", () => {
  expect([dayBefore("2014-11-01"), dayBefore("2015-01-01")]).toEqual(["2014-10-31", "2014-12-31"]);
});

it("takes a code however it is typed", () => {
  expect(codeOf("c7df-9ghj kmnp\tqrtv wxy3 more")).toBe("C7DF9GHJKMNPQRTVWXY3");
  expect([codeOf("01aeiou"), grouped("C7DF9"), grouped("")]).toEqual(["", "C7DF-9", ""]);
});
