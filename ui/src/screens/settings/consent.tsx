// One purpose that a profile is asked for, such as being recommended titles by what it watched: not so until somebody says yes.

import { createMemo, For, type JSX, Show } from "solid-js";
import type { Consents } from "../../api/types";
import type { MessageKey } from "../../base/messages";
import { useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { createLive } from "../live";
import { Icon } from "../parts/icons";

const ANSWERS = [true, false];

export function Consent(props: { purpose: "recommendations"; title: MessageKey; help: MessageKey }): JSX.Element {
  const seat = useSeat();
  const live = createLive<Consents>({
    key: () => seat.profile().id,
    load: (key, signal) => seat.client.consents(key, { signal }),
    connection: seat.connection,
  });
  const given = createMemo(() => live.value()?.consents.find(({ purpose }) => purpose === props.purpose)?.given);
  async function answer(yes: boolean): Promise<void> {
    await seat.client.setConsent(seat.profile().id, props.purpose, yes).catch(() => undefined);
    live.refresh();
    seat.home.refresh();
  }
  const heading = (): string => `setting-${props.purpose}`;
  const zone = useZone({
    id: props.purpose,
    shape: { kind: "row" },
    count: () => (given() === undefined ? 0 : ANSWERS.length),
    onPress: (index) => void answer(ANSWERS[index] ?? false),
  });
  return (
    <Show when={given() !== undefined}>
      <section class="setting">
        <h2 id={heading()}>{seat.words().t(props.title)}</h2>
        <p>{seat.words().t(props.help)}</p>
        <div role="radiogroup" aria-labelledby={heading()} class="buttons">
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
