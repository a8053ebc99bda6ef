// When the controls show. They come with any key or pointer, and go four seconds after the last one, unless something holds
// them: a pause, a seek, a pointer that rests on them.

import { type Accessor, createSignal, onCleanup } from "solid-js";

export const SHOWN_MS = 4_000;

export interface Overlay {
  readonly shown: Accessor<boolean>;
  /** Show them, or keep them for another while. */
  pulse(): void;
  hide(): void;
}

export function createOverlay(held: () => boolean): Overlay {
  const [shown, setShown] = createSignal(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  function arm(): void {
    clearTimeout(timer);
    timer = setTimeout(() => (held() ? arm() : setShown(false)), SHOWN_MS);
  }
  onCleanup(() => clearTimeout(timer));
  return {
    shown,
    pulse() {
      setShown(true);
      arm();
    },
    hide() {
      clearTimeout(timer);
      setShown(false);
    },
  };
}

/** True once `source` has been true for so long without a break. */
export function lasting(source: Accessor<boolean>, ms: number, effect: (run: () => void) => void): Accessor<boolean> {
  const [lasted, setLasted] = createSignal(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    clearTimeout(timer);
    if (source()) timer = setTimeout(() => setLasted(true), ms);
    else setLasted(false);
  });
  onCleanup(() => clearTimeout(timer));
  return lasted;
}
