// How far left and right go. One press is ten seconds, at once. A held key runs through the film at a speed that grows with
// the time held, not with the number of repeats: boxes repeat a held key anywhere from 5 to 30 times a second, and the
// same thumb must travel equally far on each.

import type { DurationMs } from "../api/types";

export const STEP_MS: DurationMs = 10_000;

/** From so long held, so many milliseconds of film for each millisecond. In order of `fromMs`. */
const SPEEDS = [
  { fromMs: 0, speed: 30 },
  { fromMs: 1_500, speed: 60 },
  { fromMs: 3_000, speed: 120 },
  { fromMs: 5_000, speed: 240 },
] as const;

/** No film is crossed in less than this, or a short one would fly by before a thumb can let go. */
const CROSSING_MS: DurationMs = 6_000;

/** Milliseconds of film for each millisecond that the key is held. */
export function speed(heldMs: number, durationMs: DurationMs): number {
  const wanted = SPEEDS.reduce((found, row) => (heldMs >= row.fromMs ? row.speed : found), SPEEDS[0].speed as number);
  return Math.min(wanted, durationMs / CROSSING_MS);
}

/** The film's milliseconds that a held key has run between two moments of its hold. Adds up over any division of it. */
export function run(fromHeldMs: number, toHeldMs: number, durationMs: DurationMs): DurationMs {
  let total = 0;
  for (let at = fromHeldMs; at < toHeldMs; ) {
    const next = SPEEDS.find((row) => row.fromMs > at)?.fromMs ?? Number.POSITIVE_INFINITY;
    const until = Math.min(next, toHeldMs);
    total += (until - at) * speed(at, durationMs);
    at = until;
  }
  return total;
}

/** Where a seek may go: the last moment is kept, so that a seek never ends a film by itself. */
export function clamp(positionMs: DurationMs, durationMs: DurationMs): DurationMs {
  return Math.max(0, Math.min(positionMs, Math.max(0, durationMs - 1_000)));
}

/** A seek under way: what the thumbnails show, before the film follows. */
export interface Scrub {
  readonly targetMs: DurationMs;
  /** How long the key had been held at the last step; null between presses. */
  readonly heldMs: number | null;
}

/** A press of left (-1) or right (1), or one of its repeats. */
export function step(scrub: Scrub, direction: -1 | 1, heldMs: number, repeat: boolean, durationMs: DurationMs): Scrub {
  const distance = repeat ? run(scrub.heldMs ?? 0, heldMs, durationMs) : STEP_MS;
  return { targetMs: clamp(scrub.targetMs + direction * distance, durationMs), heldMs: repeat ? heldMs : 0 };
}
