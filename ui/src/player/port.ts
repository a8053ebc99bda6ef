// The narrow waist between the screens and whatever plays. A screen knows this interface and nothing of Shaka, MSE or EME,
// so that an operator's box with a player of its own needs one new file and no change in a screen. Times are whole
// milliseconds of the film, as on the wire; a media element's seconds never leave the adapter.

import type { AudioRole, DurationMs, LanguageTag, Playback, TextRole } from "../api/types";

/**
 * idle: nothing asked for · loading: the manifest, the keys, the first pictures are on their way · ready: loaded and paused
 * before `start()` · playing · paused · waiting: wants to play, has nothing to show · seeking · ended · failed: for good.
 */
export type PlayerState = "idle" | "loading" | "ready" | "playing" | "paused" | "waiting" | "seeking" | "ended" | "failed";

/** Closed: each code has its words and its remedy in screens/player/words.ts, and travels as CMCD's `ec`. */
export type FailureCode =
  /** The network, or the edge, did not answer. */
  | "network"
  /** The film's address is no longer valid, or never was. */
  | "gone"
  /** No key came, or the key does not fit. */
  | "licence"
  /** This browser or box cannot decode the film. */
  | "unsupported"
  /** The bytes came and are not a film. */
  | "media"
  /** The player itself could not be loaded. */
  | "engine";

export class PlayerFailure extends Error {
  override readonly name = "PlayerFailure";
  constructor(
    readonly code: FailureCode,
    /** The adapter's own number or word, for whoever looks into it; shown small. */
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
  }
}

export interface AudioChoice {
  /** Opaque; stays the same while this film is loaded. */
  readonly id: string;
  readonly language: LanguageTag;
  readonly label: string;
  readonly role: AudioRole;
  readonly active: boolean;
}

export interface TextChoice {
  readonly id: string;
  readonly language: LanguageTag;
  readonly label: string;
  readonly role: TextRole;
  readonly active: boolean;
}

/** One line of a subtitle, in runs of one style. */
export interface SubtitleRun {
  readonly text: string;
  readonly italic: boolean;
  readonly bold: boolean;
  readonly underline: boolean;
}

export interface Subtitle {
  readonly lines: readonly (readonly SubtitleRun[])[];
  /** Where the author put it: at the top only when the bottom of the picture is taken. */
  readonly region: "top" | "bottom";
  readonly align: "start" | "center" | "end";
}

export interface TimeRange {
  readonly startMs: DurationMs;
  readonly endMs: DurationMs;
}

/** What is being shown, for the info panel and for reports. */
export interface Quality {
  readonly height: number;
  /** bits per second, of picture and sound together */
  readonly bitrate: number;
  /** bits per second that the network is thought to give */
  readonly throughput: number;
  /** milliseconds of film ahead of the position */
  readonly bufferMs: DurationMs;
  readonly droppedFrames: number;
  readonly format: "dash" | "hls";
}

export interface PlayerEvents {
  state: PlayerState;
  /** The position moved: some four times a second while playing, and at each seek. */
  time: DurationMs;
  /** The film stands still for want of bytes (true), or goes on (false). Seeks and the first start are not counted. */
  rebuffer: boolean;
  /** The sets of audio or subtitle tracks, or the active ones, changed. */
  tracks: null;
  subtitles: readonly Subtitle[];
  /** An edge refuses the token: `renew` is wanted soon. The film plays on from its buffer meanwhile. */
  stale: null;
  /** Another rung of the ladder is being shown. */
  quality: Quality;
  error: PlayerFailure;
  ended: null;
}

export interface PlayerPort {
  /** The adapter makes and owns it; a screen only puts it in its place. */
  readonly element: HTMLVideoElement;
  readonly state: PlayerState;
  readonly positionMs: DurationMs;
  readonly durationMs: DurationMs;
  readonly buffered: readonly TimeRange[];
  readonly quality: Quality | null;
  readonly audio: readonly AudioChoice[];
  readonly text: readonly TextChoice[];

  /**
   * Loads the film up to its first picture at the resume position and stays paused there, silent and unreported. Settles
   * in `ready`; rejects with PlayerFailure. Called once per port: a port plays one session.
   */
  preload(playback: Playback): Promise<void>;
  /** Plays what `preload` has made ready, or will have. Resolves at the first frame that moves. */
  start(): Promise<void>;
  play(): Promise<void>;
  pause(): void;
  /** Clamped into the film. */
  seek(positionMs: DurationMs): void;
  /** Of this player alone; a television's own volume is not ours. */
  muted: boolean;
  selectAudio(id: string): void;
  /** null: no subtitles. */
  selectText(id: string | null): void;
  /** Addresses with a fresh token: every later request goes there, without a break in what plays. */
  renew(manifests: Playback["manifests"]): void;
  /** Returns the way to stop listening. */
  on<Kind extends keyof PlayerEvents>(kind: Kind, listener: (value: PlayerEvents[Kind]) => void): () => void;
  /** Frees decoders, keys and buffers; the port is no longer usable. Safe to call twice. */
  dispose(): Promise<void>;
}

/** Makes a port; rejects with PlayerFailure("engine" or "unsupported"). */
export type PlayerFactory = () => Promise<PlayerPort>;
