// What the player offers of itself while a film runs: to skip an intro or a recap, and, at the credits, the next episode.

import type { DurationMs, Marker, Tile } from "../api/types";

export type Offer =
  | { readonly kind: "skip"; readonly what: "intro" | "recap"; readonly toMs: DurationMs }
  | { readonly kind: "next"; readonly title: Tile };

/** Without a marker, the last part of an episode is taken for its credits: this share of it, within these bounds. */
const CREDITS = { share: 0.03, leastMs: 6_000, mostMs: 40_000 } as const;
/** The end of an offer to skip: nobody wants to skip the last second. */
const NOT_WORTH_MS: DurationMs = 1_500;
/** How long the card of the next episode counts down. */
export const COUNTDOWN_MS: DurationMs = 10_000;

export function creditsFrom(markers: readonly Marker[], durationMs: DurationMs): DurationMs {
  const marked = markers.find((marker) => marker.kind === "credits");
  if (marked) return marked.start_ms;
  return durationMs - Math.max(CREDITS.leastMs, Math.min(CREDITS.mostMs, durationMs * CREDITS.share));
}

/** The offer of a moment; null for most of a film. `refused` holds the kinds that the viewer sent away. */
export function offerAt(
  positionMs: DurationMs,
  durationMs: DurationMs,
  markers: readonly Marker[],
  next: Tile | null,
  refused: ReadonlySet<Offer["kind"]>,
): Offer | null {
  if (!refused.has("skip")) {
    for (const { kind, start_ms, end_ms } of markers) {
      if (kind !== "credits" && positionMs >= start_ms && positionMs < end_ms - NOT_WORTH_MS) {
        return { kind: "skip", what: kind, toMs: end_ms };
      }
    }
  }
  if (next && durationMs > 0 && !refused.has("next") && positionMs >= creditsFrom(markers, durationMs)) return { kind: "next", title: next };
  return null;
}

export function sameOffer(a: Offer | null, b: Offer | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind === "skip") return b.kind === "skip" && a.toMs === b.toMs;
  return b.kind === "next" && a.title.id === b.title.id;
}
