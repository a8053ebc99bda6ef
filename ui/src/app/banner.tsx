// One quiet line when the connection is gone, and a short one when it is back. Nothing on the screen goes away meanwhile.

import { type Accessor, createEffect, createSignal, type JSX, on, onCleanup, Show } from "solid-js";
import type { Words } from "../base/i18n";
import type { Connection } from "../screens/connection";
import { Icon } from "../screens/parts/icons";

const BACK_FOR_MS = 2_500;

export function Banner(props: { connection: Connection; words: Accessor<Words> }): JSX.Element {
  const [back, setBack] = createSignal(false);
  createEffect(
    on(
      props.connection.recoveries,
      () => {
        setBack(true);
        const timer = setTimeout(() => setBack(false), BACK_FOR_MS);
        onCleanup(() => clearTimeout(timer));
      },
      { defer: true },
    ),
  );
  return (
    <div class="banner-place" role="status" aria-live="polite">
      <Show when={!props.connection.online() || back()}>
        <p class="banner" classList={{ "banner-back": props.connection.online() }}>
          <Icon name={props.connection.online() ? "check" : "offline"} />
          {props.words().t(props.connection.online() ? "offline.back" : "offline.banner")}
        </p>
      </Show>
    </div>
  );
}
