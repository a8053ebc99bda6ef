import { describe, expect, it } from "vitest";
import type { Home, PlanNeeded, Tile } from "../../api/types";
import { wordsFor } from "../../base/i18n";
import { planFor, whomToAsk } from "./plan";

const plan = (seller: PlanNeeded["seller"]): PlanNeeded => ({ service_id: "s", service_name: "Ciné", seller });

describe("where a plan is needed", () => {
  it("is said whom to ask, by who sells it", () => {
    expect(whomToAsk(plan("us"), "Home fibre", wordsFor("en"))).toContain("Ciné sells its plans itself");
    expect(whomToAsk(plan("us"), "Home fibre", wordsFor("fr"))).toContain("Ciné vend ses abonnements directement");
    expect(whomToAsk(plan("operator"), "Home fibre", wordsFor("en"))).toContain("Ask Home fibre");
    expect(whomToAsk(plan("operator"), "", wordsFor("fr"))).toContain("votre opérateur");
  });

  it("is known of a tile by its service, and of nothing that lies with a partner", () => {
    const home: Home = { rows: [], needs_plan: [plan("us")] };
    const tile = { id: "t", service_id: "s", service_name: null } as unknown as Tile;
    expect(planFor(home, tile)).toEqual(plan("us"));
    expect(planFor(home, { ...tile, service_name: "Ciné" })).toBeNull();
    expect(planFor(home, { ...tile, service_id: "another" })).toBeNull();
    expect([planFor(undefined, tile), planFor({ rows: [] }, tile), planFor(home, undefined)]).toEqual([null, null, null]);
  });
});
