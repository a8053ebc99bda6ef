// What this profile watched last, and hiding it: one title, or all.

import { createMemo, createSignal, For, type JSX, Show } from "solid-js";
import type { HistoryPage, Id } from "../../api/types";
import { useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { createLive } from "../live";
import { Icon } from "../parts/icons";

/** As many as fit beside each other without scrolling on a television; the next ones come up as these are hidden. */
const SHOWN = 6;

export function History(): JSX.Element {
  const seat = useSeat();
  const [gone, setGone] = createSignal<ReadonlySet<Id>>(new Set<Id>());
  const [sure, setSure] = createSignal(false);
  const live = createLive<HistoryPage>({
    key: () => seat.profile().id,
    load: (key, signal) => seat.client.history(key, null, { signal }),
    connection: seat.connection,
  });
  const items = createMemo(() => (live.value()?.items ?? []).filter(({ title }) => !gone().has(title.id)).slice(0, SHOWN));
  async function hide(id: Id | null): Promise<void> {
    const ids = id === null ? (live.value()?.items ?? []).map(({ title }) => title.id) : [id];
    setGone((before) => new Set([...before, ...ids]));
    try {
      await seat.client.hideHistory(seat.profile().id, id);
      seat.home.refresh();
    } catch {
      setGone((before) => new Set([...before].filter((one) => !ids.includes(one))));
    }
    if (items().length < SHOWN) live.refresh();
  }
  const zone = useZone({
    id: "history",
    shape: { kind: "row" },
    count: () => items().length,
    onPress: (index) => {
      const one = items()[index];
      if (one) void hide(one.title.id);
    },
  });
  const all = useZone({
    id: "hide-all",
    shape: { kind: "row" },
    count: () => (items().length > 0 ? 1 : 0),
    onPress: () => {
      if (sure()) void hide(null);
      setSure(!sure());
    },
  });
  return (
    <section class="setting">
      <h2>{seat.words().t("settings.history", { name: seat.profile().name })}</h2>
      <p>{seat.words().t(items().length > 0 ? "settings.historyHelp" : "settings.historyNone")}</p>
      <Show when={items().length > 0}>
        <div class="buttons history">
          <For each={items()}>
            {({ title }, index) => (
              <button
                type="button"
                {...zone.item(index())}
                class="button"
                aria-label={seat.words().t("settings.hide", { name: title.name })}
              >
                <span class="history-name" dir="auto">
                  {title.name}
                </span>
                <Icon name="clear" />
              </button>
            )}
          </For>
        </div>
        <div class="buttons">
          <button type="button" {...all.item(0)} class="button">
            {seat.words().t(sure() ? "settings.hideAllSure" : "settings.hideAll")}
          </button>
        </div>
      </Show>
    </section>
  );
}
