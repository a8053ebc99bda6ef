// The browser's own place for what plays: a phone's lock screen, a keyboard's media keys, a headset's button.

import type { Tile } from "../../api/types";

export interface SessionPorts {
  play(): void;
  pause(): void;
  seekBy(ms: number): void;
  seekTo(ms: number): void;
  next: (() => void) | null;
}

const STEP_S = 10;

/** Returns the way to take it back. Does nothing where the browser has no media session. */
export function announce(tile: Tile, ports: SessionPorts): () => void {
  const session = (navigator as { mediaSession?: MediaSession }).mediaSession;
  if (!session) return () => undefined;
  const art = tile.artwork;
  session.metadata = new MediaMetadata({
    title: tile.name,
    artist: tile.series?.name ?? "",
    artwork: art
      ? [
          { src: art.poster_small, sizes: "320x480", type: "image/jpeg" },
          { src: art.tile, sizes: "640x360", type: "image/jpeg" },
        ]
      : [],
  });
  const handlers: [MediaSessionAction, MediaSessionActionHandler | null][] = [
    ["play", () => ports.play()],
    ["pause", () => ports.pause()],
    ["seekbackward", ({ seekOffset }) => ports.seekBy(-(seekOffset ?? STEP_S) * 1000)],
    ["seekforward", ({ seekOffset }) => ports.seekBy((seekOffset ?? STEP_S) * 1000)],
    ["seekto", ({ seekTime }) => seekTime !== undefined && ports.seekTo(seekTime * 1000)],
    ["nexttrack", ports.next],
  ];
  const set = (action: MediaSessionAction, handler: MediaSessionActionHandler | null): void => {
    try {
      session.setActionHandler(action, handler);
    } catch {
      // A browser that does not know an action throws; the others still work.
    }
  };
  for (const [action, handler] of handlers) set(action, handler);
  return () => {
    session.metadata = null;
    for (const [action] of handlers) set(action, null);
  };
}

/** Tells where the film is, at each change of it: the lock screen runs its own clock in between. */
export function announcePosition(positionMs: number, durationMs: number, playing: boolean): void {
  const session = (navigator as { mediaSession?: MediaSession }).mediaSession;
  if (!session) return;
  session.playbackState = playing ? "playing" : "paused";
  if (durationMs > 0) session.setPositionState({ duration: durationMs / 1000, position: Math.min(positionMs, durationMs) / 1000, playbackRate: 1 });
}
