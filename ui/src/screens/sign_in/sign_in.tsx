// Nobody is known on this screen: a code and a QR for the phone, and in a browser also the way to the server's own page.

import { createSignal, For, type JSX, Show } from "solid-js";
import type { Words } from "../../base/i18n";
import type { MessageKey } from "../../base/messages";
import { Layer, useZone } from "../../focus/solid";
import { Wordmark } from "../parts/icons";
import { QrCode } from "../parts/qr";
import { createWaiting, type Phase, type WaitingPorts } from "./waiting";

export interface SignInProps {
  words: Words;
  ports: WaitingPorts;
  /** In a browser: to the page where one types name and password. A code is then asked for by who wants one. */
  here?: (() => void) | undefined;
}

/** What is said where there is no code to show. */
const WHY_NONE: Readonly<Record<Phase, MessageKey>> = {
  asking: "signIn.asking.help",
  shown: "signIn.asking.help",
  away: "signIn.away.help",
  refused: "signIn.refused.help",
};

interface Action {
  label: string;
  run(): void;
}

export default function SignInScreen(props: SignInProps): JSX.Element {
  const [byCode, setByCode] = createSignal(!props.here);
  return (
    <Layer id="sign-in" label={props.words.t("signIn.title")} order={["sign-in"]} initial="sign-in" class="screen sign-in">
      <Wordmark />
      <Show when={byCode()} fallback={<Choice {...props} code={() => setByCode(true)} />}>
        <Code {...props} />
      </Show>
    </Layer>
  );
}

function Choice(props: SignInProps & { code: () => void }): JSX.Element {
  const actions = (): Action[] => [
    { label: props.words.t("signIn.here"), run: () => props.here?.() },
    { label: props.words.t("signIn.byCode"), run: props.code },
  ];
  return (
    <div class="sign-in-words">
      <h1>{props.words.t("signIn.title")}</h1>
      <Actions actions={actions()} />
    </div>
  );
}

function Code(props: SignInProps): JSX.Element {
  const waiting = createWaiting(props.ports);
  const actions = (): Action[] =>
    waiting.phase() === "shown" || waiting.phase() === "refused"
      ? [{ label: props.words.t("signIn.again"), run: waiting.again }]
      : [];
  const time = (): string => `${Math.floor(waiting.left() / 60)}:${String(waiting.left() % 60).padStart(2, "0")}`;
  return (
    <div class="sign-in-body">
      <div class="sign-in-words">
        <h1>{props.words.t(waiting.phase() === "refused" ? "signIn.refused" : "signIn.title")}</h1>
        <Show when={waiting.code()} fallback={<p role="status">{props.words.t(WHY_NONE[waiting.phase()])}</p>}>
          {(code) => (
            <>
              <p>{props.words.t("signIn.shown.help", { address: code().verification_uri.replace(/^https?:\/\//, "") })}</p>
              <p class="sign-in-code">{code().user_code}</p>
              <p class="sign-in-left">{props.words.t("signIn.left", { time: time() })}</p>
            </>
          )}
        </Show>
        <Actions actions={actions()} />
      </div>
      <Show when={waiting.code()}>
        {(code) => (
          <figure class="sign-in-qr">
            <QrCode text={code().verification_uri_complete} label={props.words.t("signIn.qr")} />
            <figcaption>{props.words.t("signIn.qr")}</figcaption>
          </figure>
        )}
      </Show>
    </div>
  );
}

function Actions(props: { actions: readonly Action[] }): JSX.Element {
  const zone = useZone({
    id: "sign-in",
    shape: { kind: "row" },
    count: () => props.actions.length,
    onPress: (index) => props.actions[index]?.run(),
  });
  return (
    <div class="buttons">
      <For each={props.actions}>
        {(action, index) => (
          <button type="button" {...zone.item(index())} class="button">
            {action.label}
          </button>
        )}
      </For>
    </div>
  );
}
