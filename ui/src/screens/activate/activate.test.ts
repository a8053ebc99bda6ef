import { describe, expect, it } from "vitest";
import { ApiError, NetworkError } from "../../api/errors";
import type { Activated } from "../../api/types";
import { wordsFor } from "../../base/i18n";
import { failureOf, type Outcome, outcomeTold } from "./activate";

const begun = (state: string): Outcome => ({
  begun: { service_id: "s", service_name: "Ciné", state, valid_from: "", valid_to: null } as Activated,
});

describe("what came of an activation link", () => {
  it.each<[Outcome, string]>([
    ["asks", "Begin your subscription here?"],
    [begun("active"), "Your subscription to Ciné has begun"],
    [begun("pending"), "Your subscription to Ciné is set"],
    [{ failed: "notFound" }, "This link opens nothing here"],
    [{ failed: "paysAlready" }, "You have a subscription to this already"],
    [{ failed: "tooMany" }, "It did not work this time"],
    [{ failed: "network" }, "It did not work this time"],
  ])("%o", (outcome, title) => {
    expect(outcomeTold(outcome, wordsFor("en")).title).toBe(title);
    expect(outcomeTold(outcome, wordsFor("fr")).title).not.toBe(title);
  });

  it("tells a home that pays elsewhere from one that asked too often", () => {
    const refused = (code: string) => new ApiError(409, { type: "", title: "", status: 409, code });
    expect(failureOf(refused("paid_elsewhere"))).toBe("paysAlready");
    expect(failureOf(refused("conflict"))).toBe("tooMany");
    expect(failureOf(new NetworkError("away"))).toBe("network");
  });
});
