// What is said where OK plays nothing because the home has no plan: that one is needed, who sells it, and a way to ask again.

import { createEffect, createSignal, type JSX, on } from "solid-js";
import type { Home, PlanNeeded, Tile } from "../../api/types";
import type { Words } from "../../base/i18n";
import { useSeat } from "../context";
import { isElsewhere } from "./facts";

/** The plan that a tile's service asks this home for; what lies with a partner asks for none here. */
export function planFor(home: Home | undefined, tile: Tile | undefined): PlanNeeded | null {
  if (!tile || isElsewhere(tile)) return null;
  return home?.needs_plan?.find((one) => one.service_id === tile.service_id) ?? null;
}

/** Who sells it, and so whom to ask. `operator` is what the home's operator is called, "" where that is not known. */
export function whomToAsk(plan: PlanNeeded, operator: string, words: Words): string {
  const service = plan.service_name;
  if (plan.seller === "us") return words.t("plan.askService", { service });
  return words.t("plan.askOperator", { service, operator: operator || words.t("plan.yourOperator") });
}

/** The same in one line, for a title told large above others. */
export function PlanLine(props: { plan: PlanNeeded }): JSX.Element {
  const { words, me } = useSeat();
  const says = (): string => {
    const { t } = words();
    if (props.plan.seller === "us") return t("plan.lineService");
    return t("plan.lineOperator", { operator: me().operator?.name ?? t("plan.yourOperator") });
  };
  return (
    <p class="plan-line" dir="auto">
      {says()}
    </p>
  );
}

/** In the place of Play. The button beside it asks the server again: `checking` while it does. */
export function PlanPanel(props: { plan: PlanNeeded; checking: boolean }): JSX.Element {
  const { words, me } = useSeat();
  const [checked, setChecked] = createSignal(false);
  createEffect(on(() => props.checking, (now, before) => setChecked(before === true && !now), { defer: true }));
  return (
    <div class="plan" role="status">
      <h2>{words().t("plan.title")}</h2>
      <p dir="auto">{whomToAsk(props.plan, me().operator?.name ?? "", words())}</p>
      <p class="plan-again">{checked() ? words().t("plan.notYet") : ""}</p>
    </div>
  );
}
