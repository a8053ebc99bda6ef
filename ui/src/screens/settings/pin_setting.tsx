// The PIN of the home: set, changed, taken away.

import { createMemo, For, type JSX } from "solid-js";
import { useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { Icon } from "../parts/icons";

export function PinSetting(): JSX.Element {
  const seat = useSeat();
  async function take(): Promise<void> {
    const unlock = await seat.askPin(null);
    if (unlock === null) return;
    await seat.client.takePin(unlock).catch(() => undefined);
    seat.refreshMe();
  }
  const actions = createMemo(() => {
    const { t } = seat.words();
    const set = { label: t(seat.me().has_pin ? "settings.pinChange" : "settings.pinSet"), run: () => void seat.newPin() };
    return seat.me().has_pin ? [set, { label: t("settings.pinTake"), run: () => void take() }] : [set];
  });
  const zone = useZone({
    id: "pin-setting",
    shape: { kind: "row" },
    count: () => actions().length,
    onPress: (index) => actions()[index]?.run(),
  });
  return (
    <section class="setting">
      <h2>{seat.words().t("settings.pin")}</h2>
      <p>{seat.words().t("settings.pinHelp")}</p>
      <div class="buttons">
        <For each={actions()}>
          {(action, index) => (
            <button type="button" {...zone.item(index())} class="button">
              <Icon name="lock" />
              {action.label}
            </button>
          )}
        </For>
      </div>
    </section>
  );
}
