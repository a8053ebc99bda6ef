// One title as a card: wide for rows on a large screen, upright for grids and phones; wide with its place behind it in a top 10.

import { type JSX, Show } from "solid-js";
import type { Tile } from "../../api/types";
import type { ItemProps } from "../../focus/solid";
import { useSeat } from "../context";
import { hrefOf } from "../nav";
import { ProgressBar, tileLabel, timeLeft } from "./facts";
import { Picture } from "./picture";

export type CardShape = "tile" | "poster" | "numbered";

export interface CardProps {
  tile: Tile;
  shape: CardShape;
  item: ItemProps;
  position: number;
  of: number;
  lazy?: boolean;
  style?: JSX.CSSProperties;
}

export function artworkOf(tile: Tile, shape: CardShape): string | null {
  if (!tile.artwork) return null;
  return shape === "poster" ? tile.artwork.poster_small : tile.artwork.tile;
}

export function Card(props: CardProps): JSX.Element {
  const { words } = useSeat();
  const caption = (): string | null => {
    const tile = props.tile;
    if (tile.series && tile.kind === "episode") {
      const number = words().t("tile.episode", { season: tile.series.season, episode: tile.series.episode });
      const left = timeLeft(tile, words());
      return left ? `${number} · ${left}` : number;
    }
    return timeLeft(tile, words());
  };
  return (
    <li class={`card card-${props.shape}`} style={props.style} aria-setsize={props.of} aria-posinset={props.position + 1}>
      <Show when={props.shape === "numbered"}>
        <span class={`card-number ${props.position >= 9 ? "card-number-wide" : ""}`} aria-hidden="true">
          {props.position + 1}
        </span>
      </Show>
      <a
        ref={props.item.ref}
        class="card-link"
        href={hrefOf({ screen: "title", id: props.tile.series?.id ?? props.tile.id })}
        draggable={false}
        aria-label={tileLabel(props.tile, words())}
        data-title={props.tile.id}
      >
        <Picture
          src={artworkOf(props.tile, props.shape)}
          id={props.tile.id}
          name={props.tile.name}
          lazy={props.lazy ?? false}
          from={props.tile.service_name}
        />
      </a>
      <Show when={caption()}>
        {(text) => (
          <span class="card-caption" aria-hidden="true">
            <ProgressBar tile={props.tile} />
            <span>{text()}</span>
          </span>
        )}
      </Show>
    </li>
  );
}
