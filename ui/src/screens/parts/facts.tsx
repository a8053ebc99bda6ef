// The small facts of a title: year, length, age, and how far it has been watched.

import { For, type JSX, Show } from "solid-js";
import type { AgeClass, Tile } from "../../api/types";
import type { Words } from "../../base/i18n";
import { useSeat } from "../context";

export function ageText(age: AgeClass, words: Words): string {
  return age === 0 ? words.t("age.allLong") : words.t("age.from", { n: age });
}

/** Whether a title lies with a partner: it is opened there, and does not play here. */
export function isElsewhere(tile: Tile): boolean {
  return Boolean(tile.service_name);
}

/** What a screen reader says of a tile, in one breath. */
export function tileLabel(tile: Tile, words: Words): string {
  const parts = [tile.series ? `${tile.series.name}: ${tile.name}` : tile.name];
  if (tile.kind === "series") parts.push(words.t("tile.series"));
  if (tile.year !== null) parts.push(String(tile.year));
  if (tile.duration_ms !== null) parts.push(words.duration(tile.duration_ms));
  if (tile.age_class > 0) parts.push(ageText(tile.age_class, words));
  const left = timeLeft(tile, words);
  if (left) parts.push(left);
  if (tile.service_name) parts.push(tile.service_name);
  return parts.join(", ");
}

export function timeLeft(tile: Tile, words: Words): string | null {
  if (!tile.progress) return null;
  return words.t("tile.left", { time: words.duration(tile.progress.duration_ms - tile.progress.position_ms) });
}

export function AgeBadge(props: { age: AgeClass }): JSX.Element {
  const { words } = useSeat();
  return (
    <span class="age" classList={{ "age-all": props.age === 0 }}>
      <span aria-hidden="true">{props.age === 0 ? words().t("age.all") : `${props.age}+`}</span>
      <span class="unseen">{ageText(props.age, words())}</span>
    </span>
  );
}

/** Year, length, seasons, genres; then the age, and what else the caller adds. */
export function Facts(props: { tile: Tile; more?: readonly string[]; genres?: number }): JSX.Element {
  const { words } = useSeat();
  const facts = (): string[] => {
    const tile = props.tile;
    return [
      ...(tile.year === null ? [] : [String(tile.year)]),
      ...(tile.duration_ms === null ? [] : [words().duration(tile.duration_ms)]),
      ...(tile.service_name ? [tile.service_name] : []),
      ...(props.more ?? []),
      ...tile.genres.slice(0, props.genres ?? 2).map(words().genre),
    ];
  };
  return (
    <p class="facts">
      <AgeBadge age={props.tile.age_class} />
      <span class="fact-list">
        <For each={facts()}>{(fact) => <span class="fact">{fact}</span>}</For>
      </span>
    </p>
  );
}

export function ProgressBar(props: { tile: Tile }): JSX.Element {
  return (
    <Show when={props.tile.progress}>
      {(progress) => (
        <span class="progress" aria-hidden="true">
          <span style={{ transform: `scaleX(${fractionOf(progress().position_ms, progress().duration_ms)})` }} />
        </span>
      )}
    </Show>
  );
}

export function fractionOf(position: number, duration: number): number {
  return duration > 0 ? Math.max(0, Math.min(1, position / duration)) : 0;
}
