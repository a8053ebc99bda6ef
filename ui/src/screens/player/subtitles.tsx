// Subtitles, drawn by us: as large as a sofa needs, inside the safe area, above the controls while these show, and with an
// edge that reads on snow as on night.

import { For, type JSX } from "solid-js";
import type { Subtitle } from "../../player/port";

export function Subtitles(props: { subtitles: readonly Subtitle[]; raised: boolean; over: boolean }): JSX.Element {
  const of = (region: Subtitle["region"]): Subtitle[] => props.subtitles.filter((one) => one.region === region);
  return (
    <For each={["top", "bottom"] as const}>
      {(region) => (
        <div class={`play-subtitles play-subtitles-${region}`} classList={{ "play-subtitles-raised": props.raised, "play-subtitles-over": props.over }}>
          <For each={of(region)}>
            {(subtitle) => (
              <p class={`play-subtitle play-subtitle-${subtitle.align}`} dir="auto">
                <For each={subtitle.lines}>
                  {(line) => (
                    <span class="play-subtitle-line">
                      <For each={line}>
                        {(run) => <span classList={{ "play-italic": run.italic, "play-bold": run.bold, "play-underline": run.underline }}>{run.text}</span>}
                      </For>
                    </span>
                  )}
                </For>
              </p>
            )}
          </For>
        </div>
      )}
    </For>
  );
}
