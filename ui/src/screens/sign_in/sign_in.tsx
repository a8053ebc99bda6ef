// Nobody is known on this screen: a code and a QR for the phone, and in a browser also the way to the server's own page.

import { type JSX, Show } from "solid-js";
import type { Words } from "../../base/i18n";
import { Layer, useZone } from "../../focus/solid";
import { Wordmark } from "../parts/icons";
import { QrCode } from "../parts/qr";
import { createWaiting, type WaitingPorts } from "./waiting";

export interface SignInProps {
  words: Words;
  ports: WaitingPorts;
  /** In a browser: to the page where one types name and password. */
  here?: (() => void) | undefined;
}

export default function SignInScreen(props: SignInProps): JSX.Element {
  return (
    <Layer id="sign-in" label={props.words.t("signIn.title")} order={["sign-in"]} initial="sign-in" class="screen sign-in">
      <Wordmark />
      <Inside {...props} />
    </Layer>
  );
}

function Inside(props: SignInProps): JSX.Element {
  const waiting = createWaiting(props.ports);
  const actions = (): { label: string; run: () => void }[] => [
    ...(props.here ? [{ label: props.words.t("signIn.here"), run: props.here }] : []),
    ...(waiting.phase() === "shown" || waiting.phase() === "refused"
      ? [{ label: props.words.t("signIn.again"), run: waiting.again }]
      : []),
  ];
  const zone = useZone({
    id: "sign-in",
    shape: { kind: "row" },
    count: () => actions().length,
    onPress: (index) => actions()[index]?.run(),
  });
  const time = (): string => `${Math.floor(waiting.left() / 60)}:${String(waiting.left() % 60).padStart(2, "0")}`;
  return (
    <div class="sign-in-body">
      <div class="sign-in-words">
        <h1>{props.words.t(waiting.phase() === "refused" ? "signIn.refused" : "signIn.title")}</h1>
        <Show when={waiting.code()} fallback={<p role="status">{props.words.t(`signIn.${waiting.phase()}.help`)}</p>}>
          {(code) => (
            <>
              <p>{props.words.t("signIn.shown.help", { address: code().verification_uri.replace(/^https?:\/\//, "") })}</p>
              <p class="sign-in-code" aria-label={code().user_code.replace(/./g, "$& ").trim()}>
                {code().user_code}
              </p>
              <p class="sign-in-left">{props.words.t("signIn.left", { time: time() })}</p>
            </>
          )}
        </Show>
        <div class="buttons">
          <Show when={actions()[0]}>
            {(action) => (
              <button type="button" {...zone.item(0)} class="button">
                {action().label}
              </button>
            )}
          </Show>
          <Show when={actions()[1]}>
            {(action) => (
              <button type="button" {...zone.item(1)} class="button">
                {action().label}
              </button>
            )}
          </Show>
        </div>
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
