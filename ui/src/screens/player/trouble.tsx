// The film does not play, or was ended: what is wrong in plain words, what helps, and the two ways on.

import { type JSX, For } from "solid-js";
import { Layer, useZone } from "../../focus/solid";

export interface TroubleProps {
  title: string;
  help: string;
  detail: string;
  actions: readonly { label: string; run(): void }[];
  onBack(): void;
}

export function TroublePanel(props: TroubleProps): JSX.Element {
  return (
    <Layer
      id="player-trouble"
      label={props.title}
      role="dialog"
      class="play-panel play-panel-trouble"
      order={["ways"]}
      initial="ways"
      onBack={() => {
        props.onBack();
        return true;
      }}
    >
      <div class="play-trouble" role="alert">
        <h1>{props.title}</h1>
        <p>{props.help}</p>
        <Ways actions={props.actions} />
        <p class="play-trouble-detail">{props.detail}</p>
      </div>
    </Layer>
  );
}

/** What can be done, side by side: the zone "ways" of the layer around it. */
export function Ways(props: { actions: TroubleProps["actions"] }): JSX.Element {
  const zone = useZone({
    id: "ways",
    shape: { kind: "row" },
    count: () => props.actions.length,
    onPress: (index) => props.actions[index]?.run(),
  });
  return (
    <div class="play-trouble-ways">
      <For each={props.actions}>
        {(action, index) => (
          <button type="button" class="play-pill" classList={{ "play-pill-strong": index() === 0 }} {...zone.item(index())}>
            {action.label}
          </button>
        )}
      </For>
    </div>
  );
}
