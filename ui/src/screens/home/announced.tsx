// What this home does not have yet and may be told of, and what it loses soon: a quiet line for each, never a card that cannot be pressed.

import { For, type JSX, Show } from "solid-js";
import type { Announced } from "../../api/types";
import type { Words } from "../../base/i18n";
import { useSeat } from "../context";

const AT_MOST = 3;

/** One service's line, in a viewer's words. */
export function announcement(one: Announced, words: Words): string {
  const { name, announced_for: when } = one;
  if (one.shows === "update_needed") return words.t("announced.update", { name });
  if (one.shows === "not_on_this_box") return words.t("announced.elsewhere", { name });
  if (one.shows === "leaving") return words.t("announced.leaving", { name, when: words.date(when) });
  if (when === "") return words.t("announced.coming", { name });
  if (when.length === "2014-11".length) return words.t("announced.comingIn", { name, when: words.month(when) });
  return words.t("announced.comingOn", { name, when: words.date(when) });
}

export function AnnouncedLines(): JSX.Element {
  const { announced, words } = useSeat();
  return (
    <Show when={announced().length > 0}>
      <ul class="announced" aria-label={words().t("announced.label")}>
        <For each={announced().slice(0, AT_MOST)}>{(one) => <li dir="auto">{announcement(one, words())}</li>}</For>
      </ul>
    </Show>
  );
}
