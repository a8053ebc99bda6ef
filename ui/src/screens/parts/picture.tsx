// A picture in a box of fixed size. Underneath lies a card that is drawn, not fetched: it shows while the picture is on its
// way and stays when none comes, so that a title never disappears because of its artwork.

import { createEffect, createSignal, type JSX, on, Show } from "solid-js";
import type { Id } from "../../api/types";

export function hueOf(id: Id): number {
  let hash = 2166136261;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 16777619);
  // Reds and violets to teals, never a shrill green or yellow: the family stays calm.
  return 170 + ((hash >>> 0) % 200);
}

/** `from` is whose title it is, where it lies with a partner: a drawn card tells it, as there is no picture that would. */
export function Picture(props: {
  src: string | null | undefined;
  id: Id;
  name: string;
  lazy?: boolean;
  from?: string | null | undefined;
}): JSX.Element {
  const [state, setState] = createSignal<"waiting" | "shown" | "failed">("waiting");
  createEffect(on(() => props.src, (src) => setState(src ? "waiting" : "failed"), { defer: true }));
  return (
    <span
      class="picture"
      classList={{ "picture-failed": state() === "failed" || !props.src, "picture-shown": state() === "shown" }}
      style={{ "--hue": String(hueOf(props.id)) }}
      aria-hidden="true"
    >
      <Show when={props.from}>
        <span class="picture-from" dir="auto">
          {props.from}
        </span>
      </Show>
      <span class="picture-name" dir="auto">
        {props.name}
      </span>
      <Show when={props.src}>
        {(src) => (
          <img
            src={src()}
            alt=""
            draggable={false}
            decoding="async"
            loading={props.lazy ? "lazy" : "eager"}
            classList={{ shown: state() === "shown" }}
            onLoad={() => setState("shown")}
            onError={() => setState("failed")}
          />
        )}
      </Show>
    </span>
  );
}
