// Which of a long row's items exist as elements, and when they come into being.

import { type Accessor, createEffect, createSignal, onCleanup, untrack } from "solid-js";
import { afterPaint } from "../base/after_paint";

export interface Range {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** So many items come into being between one paint and the next: few enough that a key in between does not wait for them. */
export const STEP = 3;

/**
 * The items that exist as elements, following the wished ones after the paint, a few at a time. An item that must be there
 * now (the one with the focus) makes it follow at once. While `early` says so nobody waits for any: it begins with none.
 */
export function createRendered(wished: Accessor<Range>, needed: Accessor<number>, early: Accessor<boolean> = () => false): Accessor<readonly number[]> {
  const first = untrack(wished);
  const [range, setRange] = createSignal<Range>(untrack(early) ? { from: first.from, to: first.from } : first, {
    equals: (a, b) => a.from === b.from && a.to === b.to,
  });
  createEffect(() => {
    const next = wished();
    const now = range();
    if (next.from === now.from && next.to === now.to) return;
    const index = needed();
    const missing = index < now.from || index >= now.to;
    if (missing && !early()) setRange(next);
    else onCleanup(afterPaint(() => setRange(towards(now, next))));
  });
  return () => {
    const { from, to } = range();
    return Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);
  };
}

/** One step from what exists to what is wished: what is no longer wished goes, and at most STEP items come. */
export function towards(now: Range, next: Range): Range {
  if (now.to <= next.from || now.from >= next.to) return { from: next.from, to: Math.min(next.to, next.from + STEP) };
  const to = Math.min(next.to, now.to + STEP);
  const left = STEP - Math.max(0, to - now.to);
  return { from: Math.max(next.from, Math.min(now.from, now.from - left)), to };
}
