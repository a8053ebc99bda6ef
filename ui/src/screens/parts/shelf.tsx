// One row of titles. On a television nothing scrolls: the track is moved by a transform, and only the cards near the focus
// exist. In a browser the row is a native scroller, which fingers, wheels and trackpads already know, and cards are made as
// it is scrolled.

import { createEffect, createMemo, createSignal, For, type JSX, on, Show } from "solid-js";
import type { Row, Tile } from "../../api/types";
import { bindZone, type ZoneBinding } from "../../focus/solid";
import { createRendered } from "../after_paint";
import { useSeat } from "../context";
import { Card, type CardShape } from "./card";
import { Icon } from "./icons";

/** In rem, as in parts.css: a television's rem is a 120th of the screen's width. */
export const SIZES = {
  tile: { width: 24, pitch: 25.75 },
  poster: { width: 14.5, pitch: 16.25 },
  numbered: { width: 32.5, pitch: 34.25 },
} as const;
/** From the left edge of the first card to the right edge of the safe area, in rem. */
export const SHELF_WIDTH = 105.5;
const BEFORE = 2;
const FIRST_ON_WEB = 10;

/** The zone is declared by the screen (useZones), since a row can have the focus before it is drawn. */
export interface ShelfProps {
  zone: string;
  title: string;
  items: readonly Tile[];
  shape: CardShape;
  onFocus?: ((tile: Tile) => void) | undefined;
  /** The end is near: more could be fetched. */
  onNearEnd?: (() => void) | undefined;
  class?: string | undefined;
  style?: JSX.CSSProperties | undefined;
}

/** How far the track is moved to the left so that the focused card comes first, but nothing is empty at its end. */
export function trackOffset(index: number, count: number, shape: CardShape): number {
  const { width, pitch } = SIZES[shape];
  const whole = (count - 1) * pitch + width;
  return Math.max(0, Math.min(index * pitch, whole - SHELF_WIDTH));
}

/** The cards that exist: those on the screen, and as many beyond each edge that one move never meets an empty place. */
export function renderWindow(index: number, count: number, shape: CardShape): { from: number; to: number } {
  const { pitch } = SIZES[shape];
  const first = Math.floor(trackOffset(index, count, shape) / pitch);
  const fits = Math.ceil(SHELF_WIDTH / pitch) + 1;
  return { from: Math.max(0, first - BEFORE), to: Math.min(count, first + fits + BEFORE) };
}

export function Shelf(props: ShelfProps): JSX.Element {
  const seat = useSeat();
  const zone = bindZone(props.zone);
  createEffect(() => {
    const tile = props.items[zone.current()];
    if (zone.within() && tile) props.onFocus?.(tile);
  });
  createEffect(() => {
    if (zone.within() && zone.current() > props.items.length - 9) props.onNearEnd?.();
  });
  const heading = `shelf-${props.zone}`.replace(/[^\w-]/g, "_");
  return (
    <section class={`shelf shelf-${props.shape} ${props.class ?? ""}`} style={props.style} aria-labelledby={heading}>
      <h2 id={heading} class="shelf-title">
        {props.title}
      </h2>
      {seat.kind === "tv" ? <TvTrack {...props} zoneBinding={zone} /> : <WebTrack {...props} zoneBinding={zone} />}
    </section>
  );
}

type TrackProps = ShelfProps & { zoneBinding: ZoneBinding };

function TvTrack(props: TrackProps): JSX.Element {
  const zone = props.zoneBinding;
  const shown = createRendered(
    () => renderWindow(zone.current(), props.items.length, props.shape),
    zone.current,
    () => !zone.within(),
  );
  return (
    <ul
      class="track"
      style={{ transform: `translate3d(${-trackOffset(zone.current(), props.items.length, props.shape)}rem,0,0)` }}
    >
      <For each={shown()}>
        {(index) => (
          <Show when={props.items[index]}>
            {(tile) => (
              <Card
                tile={tile()}
                shape={props.shape}
                item={zone.item(index)}
                position={index}
                of={props.items.length}
                style={{ left: `${index * SIZES[props.shape].pitch}rem` }}
              />
            )}
          </Show>
        )}
      </For>
    </ul>
  );
}

function WebTrack(props: TrackProps): JSX.Element {
  const { words } = useSeat();
  const zone = props.zoneBinding;
  let track!: HTMLUListElement;
  const [made, setMade] = createSignal(FIRST_ON_WEB);
  const [edges, setEdges] = createSignal({ start: true, end: false });
  const indexes = createMemo(() => Array.from({ length: Math.min(props.items.length, made()) }, (_, at) => at));
  createEffect(on(zone.current, (index) => setMade((count) => Math.max(count, index + FIRST_ON_WEB))));
  function look(): void {
    const left = track.scrollWidth - track.clientWidth - Math.abs(track.scrollLeft);
    setEdges({ start: Math.abs(track.scrollLeft) < 4, end: left < 4 && made() >= props.items.length });
    if (left > track.clientWidth) return;
    if (made() < props.items.length) setMade((count) => count + FIRST_ON_WEB);
    else props.onNearEnd?.();
  }
  const page = (by: 1 | -1): void => track.scrollBy({ left: by * track.clientWidth * 0.85, behavior: "smooth" });
  return (
    <div class="track-frame">
      <ul class="track" ref={track} onScroll={look} onPointerEnter={look}>
        <For each={indexes()}>
          {(index) => (
            <Show when={props.items[index]}>
              {(tile) => (
                <Card
                  tile={tile()}
                  shape={props.shape}
                  item={zone.item(index)}
                  position={index}
                  of={props.items.length}
                  lazy
                />
              )}
            </Show>
          )}
        </For>
      </ul>
      <button
        type="button"
        class="page-button page-back"
        tabindex="-1"
        hidden={edges().start}
        aria-label={words().t("row.scrollBack")}
        onClick={() => page(-1)}
      >
        <Icon name="back" />
      </button>
      <button
        type="button"
        class="page-button page-on"
        tabindex="-1"
        hidden={edges().end}
        aria-label={words().t("row.scrollOn")}
        onClick={() => page(1)}
      >
        <Icon name="next" />
      </button>
    </div>
  );
}

export function rowTitle(
  row: Pick<Row, "kind" | "genre" | "about" | "items">,
  words: ReturnType<typeof useSeat>["words"],
): string {
  const name = row.about ?? "";
  if (row.kind === "continue") return words().t("row.continue");
  if (row.kind === "my_list") return words().t("row.myList");
  if (row.kind === "for-you") return words().t("row.forYou");
  if (row.kind === "because") return words().t("row.because", { name });
  if (row.kind === "top") return words().t(row.items.length === 10 ? "row.top" : "row.mostWatched", { name });
  if (row.kind === "new") return words().t("row.new");
  if (row.kind === "series") return words().t("row.series");
  return words().genre(row.genre ?? "");
}
