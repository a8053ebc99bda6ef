// In the place of what is not there yet: that it is being fetched, or why it cannot be.

import { type JSX, Show } from "solid-js";
import { useSeat } from "../context";
import type { Live } from "../live";
import { ComplaintNotice } from "../parts/notice";

export function Failed(props: { live: Live<unknown> }): JSX.Element {
  const t = useSeat().words().t;
  return (
    <Show when={props.live.complaint()} fallback={<p class="household-help">{t("loading")}</p>}>
      {(why) => <ComplaintNotice complaint={why()} retry={() => props.live.refresh()} inline />}
    </Show>
  );
}
