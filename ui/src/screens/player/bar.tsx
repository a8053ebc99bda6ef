// The seek bar, and above it what a seek shows: on a television a strip of moments, of which the middle one is where the film
// will go on; under a finger or a mouse one picture that follows it.

import { createEffect, createMemo, createSignal, For, type JSX, Show } from "solid-js";
import type { Thumbnails } from "../../api/types";
import { useZone } from "../../focus/solid";
import { STEP_MS } from "../../player/seeking";
import { sheetsAround, strip, tileAt, tileIndex, type TilePlace } from "../../player/thumbnails";
import { clock } from "./words";

const EACH_SIDE = 3;
/** The strip's tiles are as far apart as a press goes; closer together in a film too short to fill the strip so. */
const apart = (sheets: Thumbnails, durationMs: number): number => Math.min(STEP_MS, Math.max(sheets.interval_ms, durationMs / 8));

export interface BarProps {
  shown: boolean;
  seat: "tv" | "web";
  label: string;
  positionMs: number;
  durationMs: number;
  bufferedMs: number;
  targetMs: number | null;
  thumbnails: Thumbnails | null;
  onToggle(): void;
  onDrag(positionMs: number): void;
  onDrop(): void;
  onDragCancel(): void;
}

export function Bar(props: BarProps): JSX.Element {
  const zone = useZone({ id: "seek", shape: { kind: "row" }, count: () => (props.shown ? 1 : 0), onPress: () => props.onToggle() });
  const [hoverMs, setHover] = createSignal<number | null>(null);
  const here = (): number => props.targetMs ?? props.positionMs;
  const share = (ms: number): number => (props.durationMs > 0 ? Math.max(0, Math.min(1, ms / props.durationMs)) : 0);
  const preview = (): number | null => props.targetMs ?? hoverMs();
  let track!: HTMLDivElement;

  // The sheets around the film's place come before they are asked for: the first press shows pictures, not holes.
  createEffect(() => {
    const sheets = props.thumbnails;
    if (!sheets || !(props.shown || props.targetMs !== null)) return;
    for (const url of sheetsAround(sheets, here())) new Image().src = url;
  });

  const momentAt = (event: PointerEvent): number => {
    const box = track.getBoundingClientRect();
    return box.width > 0 ? Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * props.durationMs : 0;
  };
  const pressed = (event: PointerEvent): boolean => track.hasPointerCapture(event.pointerId);

  return (
    <div class="play-seek">
      <Show when={props.thumbnails}>
        {(sheets) => (
          <Show
            when={props.seat === "tv"}
            fallback={
              <Show when={preview() !== null}>
                <div class="play-seek-preview" style={{ "--at": String(share(preview() ?? 0)) }}>
                  <Tile sheets={sheets()} place={tileAt(sheets(), tileIndex(sheets(), preview() ?? 0))} />
                  <span class="play-seek-time">{clock(preview() ?? 0)}</span>
                </div>
              </Show>
            }
          >
            <Show when={props.targetMs !== null}>
              <Strip sheets={sheets()} atMs={props.targetMs ?? 0} durationMs={props.durationMs} />
            </Show>
          </Show>
        )}
      </Show>
      <div class="play-seek-line">
        <span class="play-seek-clock">{clock(here())}</span>
        <div
          {...zone.item(0)}
          class="play-seek-bar"
          role="slider"
          aria-label={props.label}
          aria-valuemin="0"
          aria-valuemax={Math.round(props.durationMs / 1000)}
          aria-valuenow={Math.round(here() / 1000)}
          aria-valuetext={`${clock(here())} / ${clock(props.durationMs)}`}
          onClick={(event) => event.stopPropagation()}
          onPointerDown={(event) => {
            if (event.button !== 0) return;
            event.preventDefault();
            track.setPointerCapture(event.pointerId);
            props.onDrag(momentAt(event));
          }}
          onPointerMove={(event) => {
            if (pressed(event)) props.onDrag(momentAt(event));
            else if (event.pointerType === "mouse") setHover(momentAt(event));
          }}
          onPointerUp={(event) => {
            if (pressed(event)) props.onDrop();
          }}
          onPointerCancel={() => props.onDragCancel()}
          onPointerLeave={() => setHover(null)}
        >
          <div class="play-seek-track" ref={track}>
            <span class="play-seek-buffered" style={{ transform: `scaleX(${share(props.bufferedMs)})` }} />
            <span class="play-seek-played" style={{ transform: `scaleX(${share(here())})` }} />
          </div>
          <span class="play-seek-thumb" style={{ left: `${share(here()) * 100}%` }} />
        </div>
        <span class="play-seek-clock play-seek-left">{clock(props.durationMs - here())}</span>
      </div>
    </div>
  );
}

function Strip(props: { sheets: Thumbnails; atMs: number; durationMs: number }): JSX.Element {
  const tiles = createMemo(() => strip(props.sheets, props.atMs, props.durationMs, EACH_SIDE, apart(props.sheets, props.durationMs)));
  return (
    <div class="play-strip" aria-hidden="true">
      <For each={Array.from({ length: 2 * EACH_SIDE + 1 }, (_, n) => n)}>
        {(n) => (
          <div class="play-strip-place" classList={{ "play-strip-middle": n === EACH_SIDE }}>
            <Show when={tiles()[n]} fallback={<div class="play-tile play-tile-none" />}>
              {(place) => <Tile sheets={props.sheets} place={place()} />}
            </Show>
            <Show when={n === EACH_SIDE}>
              <span class="play-seek-time">{clock(props.atMs)}</span>
            </Show>
          </div>
        )}
      </For>
    </div>
  );
}

/** One tile of a sheet, at whatever size its box has. */
function Tile(props: { sheets: Thumbnails; place: TilePlace }): JSX.Element {
  const percent = (at: number, size: number, tiles: number): string => (tiles > 1 ? `${(at / size / (tiles - 1)) * 100}%` : "0%");
  return (
    <div
      class="play-tile"
      style={{
        "aspect-ratio": `${props.sheets.tile_width} / ${props.sheets.tile_height}`,
        "background-image": `url("${props.place.url}")`,
        "background-size": `${props.sheets.columns * 100}% ${props.sheets.rows * 100}%`,
        "background-position": `${percent(props.place.x, props.sheets.tile_width, props.sheets.columns)} ${percent(props.place.y, props.sheets.tile_height, props.sheets.rows)}`,
      }}
    />
  );
}
