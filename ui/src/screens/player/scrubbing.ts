// A seek under way: the thumbnails run ahead, the film follows. The first press moves the film at once; while a key is held or
// pressed again and again only the thumbnails move, since a film that starts at each of thirty places shows none of them.

import { type Accessor, createSignal, onCleanup } from "solid-js";
import type { DurationMs } from "../../api/types";
import { clamp, type Scrub, step } from "../../player/seeking";

/** After so long without a key, the film follows. A key that comes up makes it follow at once. */
const FOLLOW_MS = 450;
/** The thumbnails stay so long after the film has followed. */
const LINGER_MS = 900;

export interface ScrubPorts {
  positionMs(): DurationMs;
  durationMs(): DurationMs;
  playing(): boolean;
  seek(positionMs: DurationMs): void;
  play(): void;
  pause(): void;
}

export interface Scrubbing {
  /** Where the viewer wants to be; null when no seek is under way. */
  readonly targetMs: Accessor<DurationMs | null>;
  press(direction: -1 | 1, heldMs: number, repeat: boolean): void;
  release(): void;
  /** A finger or a mouse on the bar. */
  drag(positionMs: DurationMs): void;
  /** Forget it; the film stays where it is. */
  cancel(): void;
}

export function createScrubbing(ports: ScrubPorts): Scrubbing {
  const [targetMs, setTarget] = createSignal<DurationMs | null>(null);
  let scrub: Scrub | null = null;
  let moved: DurationMs | null = null;
  let resumes = false;
  let follow: ReturnType<typeof setTimeout> | undefined;
  let linger: ReturnType<typeof setTimeout> | undefined;

  function stop(): void {
    clearTimeout(follow);
    clearTimeout(linger);
  }

  function show(next: Scrub): void {
    scrub = next;
    setTarget(next.targetMs);
  }

  /** The picture stands still while the thumbnails run. */
  function freeze(): void {
    if (!resumes && ports.playing()) {
      resumes = true;
      ports.pause();
    }
  }

  function commit(): void {
    stop();
    if (scrub === null) return;
    if (scrub.targetMs !== moved) {
      moved = scrub.targetMs;
      ports.seek(scrub.targetMs);
    }
    if (resumes) ports.play();
    resumes = false;
    linger = setTimeout(clear, LINGER_MS);
  }

  function clear(): void {
    stop();
    scrub = null;
    moved = null;
    resumes = false;
    setTarget(null);
  }

  onCleanup(stop);
  return {
    targetMs,
    press(direction, heldMs, repeat) {
      const fresh = scrub === null;
      stop();
      show(step(scrub ?? { targetMs: ports.positionMs(), heldMs: null }, direction, heldMs, repeat, ports.durationMs()));
      if (fresh) {
        commit();
        return;
      }
      if (repeat) freeze();
      follow = setTimeout(commit, FOLLOW_MS);
    },
    release() {
      // Presses that follow each other quickly are one journey: only a held key's end sets off the film.
      if (scrub?.heldMs) commit();
    },
    drag(positionMs) {
      stop();
      freeze();
      show({ targetMs: clamp(positionMs, ports.durationMs()), heldMs: 1 });
    },
    cancel() {
      if (resumes) ports.play();
      clear();
    },
  };
}
