// A screen that has nothing to show says why, and what happens next. Never a blank page, never a code.

import { For, type JSX, Show } from "solid-js";
import type { Complaint } from "../../api/errors";
import type { Ingest } from "../../api/types";
import { useZone } from "../../focus/solid";
import { useSeat } from "../context";

export interface NoticeAction {
  label: string;
  run(): void;
}

/** Title, help, and at most two things to do; they are the zone "notice" of the surrounding layer. */
export function Notice(props: {
  title: string;
  help: string;
  actions?: readonly NoticeAction[];
  /** Under what the screen shows already, instead of in its place. */
  inline?: boolean;
  children?: JSX.Element;
}): JSX.Element {
  const actions = (): readonly NoticeAction[] => props.actions ?? [];
  const zone = useZone({
    id: "notice",
    shape: { kind: "row" },
    count: () => actions().length,
    onPress: (index) => actions()[index]?.run(),
  });
  return (
    <div class="notice" classList={{ "notice-inline": props.inline ?? false }} role="status">
      <Show when={!props.inline} fallback={<h2>{props.title}</h2>}>
        <h1>{props.title}</h1>
      </Show>
      <p>{props.help}</p>
      {props.children}
      <Show when={actions().length > 0}>
        <div class="buttons">
          <For each={actions()}>
            {(action, index) => (
              <button type="button" {...zone.item(index())} class="button">
                {action.label}
              </button>
            )}
          </For>
        </div>
      </Show>
    </div>
  );
}

export function ComplaintNotice(props: { complaint: Complaint; retry(): void; inline?: boolean }): JSX.Element {
  const { words, nav } = useSeat();
  const actions = (): NoticeAction[] => {
    const home = { label: words().t("error.home"), run: () => nav.home() };
    const retry = { label: words().t("error.retry"), run: () => props.retry() };
    const away = nav.current().screen === "home" ? [] : [home];
    return props.complaint === "notFound" || props.complaint === "notAllowed" ? away : [retry, ...away];
  };
  return (
    <Notice
      title={words().t(`error.${props.complaint}.title`)}
      help={words().t(`error.${props.complaint}.help`)}
      actions={actions()}
      inline={props.inline ?? false}
    />
  );
}

/** What is being made now, with a calm bar for each. */
export function Making(props: { ingests: readonly Ingest[] }): JSX.Element {
  const { words } = useSeat();
  return (
    <ul class="making">
      <For each={props.ingests.slice(0, 5)}>
        {(ingest) => (
          <li>
            <span class="making-name" dir="auto">
              {ingest.name}
            </span>
            <span class="making-stage">{words().t(`status.stage.${ingest.stage}`)}</span>
            <span
              class="making-bar"
              role="progressbar"
              aria-label={ingest.name}
              aria-valuemin="0"
              aria-valuemax="100"
              aria-valuenow={Math.round(ingest.fraction * 100)}
            >
              <span style={{ transform: `scaleX(${Math.max(0.01, Math.min(1, ingest.fraction))})` }} />
            </span>
          </li>
        )}
      </For>
    </ul>
  );
}
