// Whether titles are recommended to this profile by what it watched: asked, and not so until somebody says yes.

import { createMemo, For, type JSX, Show } from "solid-js";
import type { Consents } from "../../api/types";
import { useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { createLive } from "../live";
import { Icon } from "../parts/icons";

const PURPOSE = "recommendations";
const ANSWERS = [true, false];

export function Recommendations(): JSX.Element {
  const seat = useSeat();
  const live = createLive<Consents>({
    key: () => seat.profile().id,
    load: (key, signal) => seat.client.consents(key, { signal }),
    connection: seat.connection,
  });
  const given = createMemo(() => live.value()?.consents.find(({ purpose }) => purpose === PURPOSE)?.given);
  async function answer(yes: boolean): Promise<void> {
    await seat.client.setConsent(seat.profile().id, PURPOSE, yes).catch(() => undefined);
    live.refresh();
    seat.home.refresh();
  }
  const zone = useZone({
    id: "recommendations",
    shape: { kind: "row" },
    count: () => (given() === undefined ? 0 : ANSWERS.length),
    onPress: (index) => void answer(ANSWERS[index] ?? false),
  });
  return (
    <Show when={given() !== undefined}>
      <section class="setting">
        <h2 id="setting-recommendations">{seat.words().t("settings.recommendations")}</h2>
        <p>{seat.words().t("settings.recommendationsHelp")}</p>
        <div role="radiogroup" aria-labelledby="setting-recommendations" class="buttons">
          <For each={ANSWERS}>
            {(yes, index) => (
              <button
                type="button"
                {...zone.item(index())}
                role="radio"
                aria-checked={given() === yes}
                class="button choice"
              >
                <Show when={given() === yes}>
                  <Icon name="check" />
                </Show>
                {seat.words().t(yes ? "settings.yes" : "settings.no")}
              </button>
            )}
          </For>
        </div>
      </section>
    </Show>
  );
}
