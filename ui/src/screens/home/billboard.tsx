// The quiet picture behind Home: it follows the focus, but only once the focus has rested, and fades when its picture is
// decoded. While someone is travelling through rows nothing here moves.

import { createEffect, createSignal, For, type JSX, on, onCleanup, Show } from "solid-js";
import type { Tile } from "../../api/types";
import { useSeat } from "../context";
import { Facts, timeLeft } from "../parts/facts";
import { hueOf } from "../parts/picture";
import { PlanLine, planFor } from "../parts/plan";

const REST_MS = 260;

export interface Settled<T> {
  value(): T | undefined;
}

/** A value as it is once it has stayed the same for a while; the first one comes at once. */
export function createSettled<T>(source: () => T | undefined, ms = REST_MS): Settled<T> {
  const [value, setValue] = createSignal<T | undefined>(source());
  let timer: ReturnType<typeof setTimeout> | undefined;
  createEffect(
    on(source, (next) => {
      clearTimeout(timer);
      if (value() === undefined) setValue(() => next);
      else if (next !== value()) timer = setTimeout(() => setValue(() => next), ms);
    }),
  );
  onCleanup(() => clearTimeout(timer));
  return { value };
}

export function Backdrop(props: { tile: Tile | undefined; small?: boolean }): JSX.Element {
  const [layers, setLayers] = createSignal<readonly { key: string; src: string | null; hue: number }[]>([]);
  let wanted = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  createEffect(() => {
    const tile = props.tile;
    if (!tile) return;
    const src = (props.small ? tile.artwork?.backdrop_small : tile.artwork?.backdrop) ?? null;
    const key = `${tile.id} ${src}`;
    if (wanted === key) return;
    wanted = key;
    const layer = { key, src, hue: hueOf(tile.series?.id ?? tile.id) };
    const show = (found: boolean): void => {
      if (wanted !== key) return;
      setLayers((now) => [...now.slice(-1), found ? layer : { ...layer, src: null }]);
      clearTimeout(timer);
      timer = setTimeout(() => setLayers((now) => now.slice(-1)), 900);
    };
    if (src === null) return show(false);
    const image = new Image();
    image.src = src;
    image.decode().then(
      () => show(true),
      () => show(false),
    );
  });
  onCleanup(() => clearTimeout(timer));
  return (
    <div class="backdrop" aria-hidden="true">
      <For each={layers()}>
        {(layer) => (
          <div
            class="backdrop-layer"
            style={{ "--hue": String(layer.hue), ...(layer.src ? { "background-image": `url("${layer.src}")` } : {}) }}
          />
        )}
      </For>
    </div>
  );
}

export function titleSize(name: string): "long" | "middle" | "short" {
  if (name.length > 44) return "long";
  return name.length > 20 ? "middle" : "short";
}

export function Billboard(props: { tile: Tile | undefined }): JSX.Element {
  const { words, home } = useSeat();
  const name = (): string => props.tile?.series?.name ?? props.tile?.name ?? "";
  const more = (): string[] => {
    const tile = props.tile;
    if (!tile) return [];
    const left = timeLeft(tile, words());
    return [...(tile.kind === "series" ? [words().t("tile.series")] : []), ...(left ? [left] : [])];
  };
  return (
    <For each={props.tile ? [props.tile] : []}>
      {(tile) => (
        <div class="billboard">
          <p class={`display display-${titleSize(name())}`} dir="auto">
            {name()}
          </p>
          <Facts tile={tile} more={more()} />
          <p class="synopsis" dir="auto">
            {tile.synopsis_short}
          </p>
          <Show when={planFor(home.value(), tile)}>{(plan) => <PlanLine plan={plan()} />}</Show>
        </div>
      )}
    </For>
  );
}
