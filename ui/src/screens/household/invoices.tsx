// The household's invoices, one beside the list on a television, under its line elsewhere.

import { For, type JSX, Show } from "solid-js";
import type { Invoice } from "../../api/types";
import { Layer, useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { createLive } from "../live";
import { Menu } from "../parts/menu";
import { Failed } from "./failed";
import { dayBefore } from "./told";

/** In rem: from one line to the next on a television, and how many stand there at once. */
const LINE_PITCH = 6;
const LINES = 7;

export default function InvoicesScreen(): JSX.Element {
  const seat = useSeat();
  const t = seat.words().t;
  const live = createLive<readonly Invoice[]>({
    key: () => "invoices",
    load: (_, signal) => seat.client.invoices({ signal }),
    connection: seat.connection,
  });
  return (
    <Layer id="invoices" label={t("invoices.title")} order={["menu", "invoices", "notice"]} initial="invoices" class="screen household">
      <Menu here="settings" />
      <div class="household-page">
        <h1>{t("invoices.title")}</h1>
        <Show when={live.value()} fallback={<Failed live={live} />}>
          {(invoices) => (
            <Show when={invoices().length > 0} fallback={<p class="household-help">{t("invoices.none")}</p>}>
              <Papers invoices={invoices()} />
            </Show>
          )}
        </Show>
      </div>
    </Layer>
  );
}

function Papers(props: { invoices: readonly Invoice[] }): JSX.Element {
  const { words, kind } = useSeat();
  const tv = kind === "tv";
  const zone = useZone({ id: "invoices", shape: { kind: "column" }, count: () => props.invoices.length });
  const moved = (): number => Math.max(0, Math.min(zone.current() - LINES + 2, props.invoices.length - LINES)) * LINE_PITCH;
  return (
    <div class="papers">
      <div class="lines-window">
        <ul class="lines" style={tv ? { transform: `translate3d(0,${-moved()}rem,0)` } : {}}>
          <For each={props.invoices}>
            {(one, index) => (
              <li>
                <button
                  type="button"
                  {...zone.item(index())}
                  class="line"
                  aria-expanded={tv ? undefined : zone.current() === index()}
                  aria-current={zone.current() === index() ? "true" : undefined}
                >
                  <span class="line-name">{words().month(one.month)}</span>
                  <span class="line-facts" dir="auto">
                    {one.seller}
                  </span>
                  <span class="line-sum">{words().money(one.total)}</span>
                </button>
                <Show when={!tv && zone.current() === index()}>
                  <Paper invoice={one} />
                </Show>
              </li>
            )}
          </For>
        </ul>
      </div>
      <Show when={tv && props.invoices[zone.current()]}>{(one) => <Paper invoice={one()} />}</Show>
    </div>
  );
}

function Paper(props: { invoice: Invoice }): JSX.Element {
  const { words } = useSeat();
  const one = (): Invoice => props.invoice;
  const t = (...told: Parameters<ReturnType<typeof words>["t"]>): string => words().t(...told);
  return (
    <article class="paper" aria-live="polite">
      <h2>{t(one().kind === "invoice" ? "invoices.invoice" : "invoices.creditNote", { n: one().number })}</h2>
      <p class="paper-seller" dir="auto">
        {[one().seller, one().details].filter((text) => text !== "").join("\n")}
      </p>
      <p>{t("invoices.issued", { date: words().date(one().issued_on) })}</p>
      <Show when={one().corrects}>{(number) => <p>{t("invoices.corrects", { n: number() })}</p>}</Show>
      <table>
        <tbody>
          <For each={one().lines}>
            {(line) => (
              <tr>
                <th scope="row" dir="auto">
                  {line.service}, {line.plan}
                  <small>
                    {t("invoices.days", { first: words().date(line.first), last: words().date(dayBefore(line.until)) })}
                  </small>
                </th>
                <td>{words().money(line.amount)}</td>
              </tr>
            )}
          </For>
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t("invoices.total")}</th>
            <td>{words().money(one().total)}</td>
          </tr>
          <tr class="paper-tax">
            <th scope="row">{t("invoices.tax")}</th>
            <td>{words().money(one().tax)}</td>
          </tr>
        </tfoot>
      </table>
    </article>
  );
}
