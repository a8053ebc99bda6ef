// What the household has bought: each plan with what it gives, how it stands, who is paid; and the ways to a voucher and invoices.

import { createMemo, For, type JSX, Show } from "solid-js";
import type { Credit, HomePlan } from "../../api/types";
import { Layer, useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { createLive } from "../live";
import { Menu } from "../parts/menu";
import { whomToAsk } from "../parts/plan";
import { Failed } from "./failed";
import { billTold, limitsTold, loweredTold, stateTold } from "./told";

/** In rem: from one plan to the next on a television, where so many stand beside each other. */
const PITCH = 34.5;
const BESIDE = 3;
/** Of a plan that is over the card says when; that the service needs one, and whom to ask, is said beside it. */
const OVER: readonly string[] = ["ended", "cancelled", "revoked"];

export default function PlanScreen(): JSX.Element {
  const seat = useSeat();
  const t = seat.words().t;
  const live = createLive<{ plans: readonly HomePlan[]; credit: readonly Credit[] }>({
    key: () => "plan",
    load: async (_, signal) => {
      const [plans, credit] = await Promise.all([seat.client.plans({ signal }), seat.client.credit({ signal })]);
      return { plans, credit };
    },
    connection: seat.connection,
  });
  const plans = createMemo(() => live.value()?.plans ?? []);
  const needed = createMemo(() => {
    const told = plans().filter(({ state }) => !OVER.includes(state)).map(({ service_id }) => service_id);
    return (seat.home.value()?.needs_plan ?? []).filter(({ service_id }) => !told.includes(service_id));
  });
  return (
    <Layer
      id="plan"
      label={t("myPlan.title")}
      order={["menu", "plan-actions", "plans", "notice"]}
      initial="plan-actions"
      class="screen household"
    >
      <Menu here="settings" />
      <div class="household-page">
        <div class="household-head">
          <h1>{t("myPlan.title")}</h1>
          <Actions />
        </div>
        <For each={live.value()?.credit.filter(({ credit }) => credit.minor > 0) ?? []}>
          {(one) => <p class="household-help">{t("myPlan.credit", { price: seat.words().money(one.credit) })}</p>}
        </For>
        <Show when={live.value()} fallback={<Failed live={live} />}>
          <Plans plans={plans()} />
          <For each={needed()}>
            {(one) => (
              <section class="plan-card plan-card-none">
                <h2 dir="auto">{one.service_name}</h2>
                <p class="plan-state">{t("myPlan.none")}</p>
                <p dir="auto">{whomToAsk(one, seat.me().operator?.name ?? "", seat.words())}</p>
              </section>
            )}
          </For>
          <Show when={seat.home.value() !== undefined && plans().length === 0 && needed().length === 0}>
            <p class="household-help">{t("myPlan.noneHelp")}</p>
          </Show>
        </Show>
      </div>
    </Layer>
  );
}

function Actions(): JSX.Element {
  const { words, nav } = useSeat();
  const zone = useZone({
    id: "plan-actions",
    shape: { kind: "row" },
    count: () => 2,
    onPress: (index) => nav.open({ screen: index === 0 ? "voucher" : "invoices" }),
  });
  return (
    <div class="buttons">
      <button type="button" {...zone.item(0)} class="button">
        {words().t("myPlan.voucher")}
      </button>
      <button type="button" {...zone.item(1)} class="button">
        {words().t("myPlan.invoices")}
      </button>
    </div>
  );
}

function Plans(props: { plans: readonly HomePlan[] }): JSX.Element {
  const { words, kind } = useSeat();
  // Where all of them are seen there is nothing to move to.
  const zone = useZone({ id: "plans", shape: { kind: "row" }, count: () => (props.plans.length > BESIDE ? props.plans.length : 0) });
  const moved = (): number => Math.max(0, Math.min(zone.current() - 1, props.plans.length - BESIDE)) * PITCH;
  return (
    <ul class="plan-cards" style={kind === "tv" ? { transform: `translate3d(${-moved()}rem,0,0)` } : {}}>
      <For each={props.plans}>
        {(plan, index) => (
          <li {...zone.item(index())} class="plan-card" classList={{ "plan-card-warns": plan.state !== "active" }}>
            <h2 dir="auto">
              {plan.service_name} <span>{plan.plan.name}</span>
            </h2>
            <p class="plan-state">{stateTold(plan, words())}</p>
            <Show when={loweredTold(plan, words())}>{(says) => <p class="plan-lowered">{says()}</p>}</Show>
            <ul class="plan-bill">
              <For each={billTold(plan, words())}>{(line) => <li>{line}</li>}</For>
            </ul>
            <p class="plan-gives">{limitsTold(plan.plan, words())}</p>
          </li>
        )}
      </For>
    </ul>
  );
}
