// What this home does not have yet and may be told of, what it loses soon, and what asks for a plan: a quiet line for each, never a
// card that cannot be pressed. Where the home's phones have a service that its box cannot, a code leads there.

import { For, type JSX, Show } from "solid-js";
import type { Announced } from "../../api/types";
import type { Words } from "../../base/i18n";
import { useSeat } from "../context";
import { QrCode } from "../parts/qr";

const AT_MOST = 3;

/** One service's line, in a viewer's words. */
export function announcement(one: Announced, words: Words): string {
  const { name, announced_for: when } = one;
  if (one.shows === "update_needed") return words.t("announced.update", { name });
  if (one.shows === "not_on_this_box") return words.t("announced.elsewhere", { name });
  if (one.shows === "elsewhere") return words.t("announced.onPhone", { name });
  if (one.shows === "needs_plan") return words.t("announced.needsPlan", { name });
  if (one.shows === "leaving") return words.t("announced.leaving", { name, when: words.date(when) });
  if (when === "") return words.t("announced.coming", { name });
  if (when.length === "2014-11".length) return words.t("announced.comingIn", { name, when: words.month(when) });
  return words.t("announced.comingOn", { name, when: words.date(when) });
}

/** The web's address of the first service that the home's other screens have: one code serves for all. */
export function addressOf(announced: readonly Announced[]): string {
  return announced.find((one) => one.shows === "elsewhere" && one.watch_at !== "")?.watch_at ?? "";
}

export function AnnouncedLines(): JSX.Element {
  const { announced, words } = useSeat();
  const shown = (): readonly Announced[] => announced().slice(0, AT_MOST);
  return (
    <Show when={shown().length > 0}>
      <div class="announced">
        <ul aria-label={words().t("announced.label")}>
          <For each={shown()}>{(one) => <li dir="auto">{announcement(one, words())}</li>}</For>
        </ul>
        <Show when={addressOf(shown())}>
          {(address) => {
            const says = (): string => words().t("announced.scan", { address: address().replace(/^https?:\/\//, "") });
            return (
              <figure class="announced-code">
                <QrCode text={address()} label={says()} />
                <figcaption>{says()}</figcaption>
              </figure>
            );
          }}
        </Show>
      </div>
    </Show>
  );
}
