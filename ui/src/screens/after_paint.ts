// What a key shows is painted first; what only prepares the next key is done afterwards.

import { type Accessor, createEffect, createSignal, onCleanup } from "solid-js";

export interface Range {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Calls back once the frame that is being made has been painted. Returns the way to call it off. */
export function afterPaint(callback: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const frame = requestAnimationFrame(() => {
    timer = setTimeout(callback);
  });
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}

/**
 * The items that exist as elements, following the wished ones one paint later. An item that must be there now (the one with
 * the focus) makes it follow at once.
 */
export function createRendered(wished: Accessor<Range>, needed: Accessor<number>): Accessor<readonly number[]> {
  const [range, setRange] = createSignal<Range>(wished(), { equals: (a, b) => a.from === b.from && a.to === b.to });
  createEffect(() => {
    const next = wished();
    const now = range();
    if (next.from === now.from && next.to === now.to) return;
    const index = needed();
    if (index < now.from || index >= now.to) setRange(next);
    else onCleanup(afterPaint(() => setRange(next)));
  });
  return () => {
    const { from, to } = range();
    return Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);
  };
}
