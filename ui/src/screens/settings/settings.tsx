// The few things that a viewer may set here: the language, and the order of the search keyboard. And what this device is,
// for whoever is asked on the telephone.

import { For, type JSX, Show } from "solid-js";
import type { MessageKey } from "../../base/messages";
import { Layer, useZone } from "../../focus/solid";
import { type KeyboardLayout, useSeat } from "../context";
import { Icon } from "../parts/icons";
import { Menu } from "../parts/menu";
import { Consent } from "./consent";
import { History } from "./history";
import { PinSetting } from "./pin_setting";

interface ChoiceProps<V extends string> {
  zone: string;
  title: MessageKey;
  help?: MessageKey;
  values: readonly { value: V; name: MessageKey }[];
  value: V;
  onChoose(value: V): void;
}

export default function SettingsScreen(): JSX.Element {
  const seat = useSeat();
  const words = seat.words;
  return (
    <Layer
      id="settings"
      label={words().t("settings.title")}
      order={["menu", "household", "language", "keyboard", "pin-setting", "recommendations", "history", "hide-all", "sign-out"]}
      initial="language"
      class="screen settings"
    >
      <Menu here="settings" />
      <div class="settings-page">
        <div class="settings-head">
          <h1>{words().t("settings.title")}</h1>
          <Show when={!seat.me().kept_on}>
            <OfTheHousehold />
          </Show>
        </div>
        <Choice
          zone="language"
          title="settings.language"
          help="settings.languageHelp"
          values={[
            { value: "fr", name: "settings.french" },
            { value: "en", name: "settings.english" },
          ]}
          value={words().language}
          onChoose={(language) => seat.setLanguage(language)}
        />
        <Show when={seat.kind === "tv"}>
          <Choice<KeyboardLayout>
            zone="keyboard"
            title="settings.keyboard"
            values={[
              { value: "azerty", name: "search.layoutAzerty" },
              { value: "alphabet", name: "search.layoutAlphabet" },
            ]}
            value={seat.layout()}
            onChoose={(layout) => seat.setLayout(layout)}
          />
        </Show>
        <Show when={!seat.me().kept_on}>
          <PinSetting />
        </Show>
        <Show when={!seat.profile().kids}>
          <div class="consents">
            <Consent purpose="recommendations" title="settings.recommendations" help="settings.recommendationsHelp" />
          </div>
        </Show>
        <History />
        <Show when={seat.signOut()}>{(signOut) => <SignOut run={signOut()} />}</Show>
        <dl class="device">
          <Show when={seat.me().box}>
            {(box) => (
              <>
                <dt>{words().t("settings.box")}</dt>
                <dd>{box().label}</dd>
                <dt>{words().t("settings.model")}</dt>
                <dd>{box().model}</dd>
              </>
            )}
          </Show>
          <dt>{words().t("settings.operator")}</dt>
          <dd>{seat.me().operator.name}</dd>
          <dt>{words().t("settings.release")}</dt>
          <dd>{seat.release}</dd>
        </dl>
      </div>
    </Layer>
  );
}

/** The ways to what the home has: its devices and its plan. */
function OfTheHousehold(): JSX.Element {
  const { words, nav } = useSeat();
  const zone = useZone({
    id: "household",
    shape: { kind: "row" },
    count: () => 2,
    onPress: (index) => nav.open({ screen: index === 0 ? "plan" : "devices" }),
  });
  return (
    <div class="buttons">
      <button type="button" {...zone.item(0)} class="button">
        {words().t("settings.plan")}
      </button>
      <button type="button" {...zone.item(1)} class="button">
        {words().t("settings.devices")}
      </button>
    </div>
  );
}

function SignOut(props: { run: () => void }): JSX.Element {
  const { words } = useSeat();
  const zone = useZone({ id: "sign-out", shape: { kind: "row" }, count: () => 1, onPress: () => props.run() });
  return (
    <section class="setting">
      <div class="buttons">
        <button type="button" {...zone.item(0)} class="button">
          {words().t("settings.signOut")}
        </button>
      </div>
    </section>
  );
}

function Choice<V extends string>(props: ChoiceProps<V>): JSX.Element {
  const { words } = useSeat();
  const zone = useZone({
    id: props.zone,
    shape: { kind: "row" },
    count: () => props.values.length,
    start: Math.max(0, props.values.findIndex(({ value }) => value === props.value)),
    onPress: (index) => {
      const chosen = props.values[index];
      if (chosen) props.onChoose(chosen.value);
    },
  });
  const heading = `setting-${props.zone}`;
  return (
    <section class="setting">
      <h2 id={heading}>{words().t(props.title)}</h2>
      <Show when={props.help}>{(help) => <p>{words().t(help())}</p>}</Show>
      <div role="radiogroup" aria-labelledby={heading} class="buttons">
        <For each={props.values}>
          {(choice, index) => (
            <button
              type="button"
              {...zone.item(index())}
              role="radio"
              aria-checked={choice.value === props.value}
              class="button choice"
            >
              <Show when={choice.value === props.value}>
                <Icon name="check" />
              </Show>
              {words().t(choice.name)}
            </button>
          )}
        </For>
      </div>
    </section>
  );
}
