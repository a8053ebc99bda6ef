// A stand-in for a player, for tests: it plays nothing, does what it is told at once, and its clock is moved by hand.

import type { Playback, Thumbnails } from "../api/types";
import { Emitter } from "./emitter";
import type { AudioChoice, PlayerEvents, PlayerFailure, PlayerPort, PlayerState, TextChoice } from "./port";

export class FakePort implements PlayerPort {
  readonly element = document.createElement("video");
  readonly events = new Emitter<PlayerEvents>();
  readonly renewed: string[] = [];
  state: PlayerState = "idle";
  positionMs = 0;
  durationMs = 0;
  buffered = [];
  quality = null;
  muted = false;
  disposed = false;
  audio: AudioChoice[] = ["fr", "en"].map((language, n) => ({ id: language, language, label: "", role: "main", active: n === 0 }));
  text: TextChoice[] = ["fr", "en"].map((language) => ({ id: language, language, label: "", role: "subtitle", active: false }));

  /** With a failure, `preload` fails by it. */
  constructor(private readonly failure: PlayerFailure | null = null) {}

  move(state: PlayerState): void {
    if (this.disposed || state === this.state) return;
    this.state = state;
    this.events.emit("state", state);
    if (state === "ended") this.events.emit("ended", null);
  }

  /** The film goes on by so much, if it plays. */
  pass(ms: number): void {
    if (this.state !== "playing") return;
    this.positionMs = Math.min(this.positionMs + ms, this.durationMs);
    this.events.emit("time", this.positionMs);
    if (this.positionMs === this.durationMs) this.move("ended");
  }

  preload({ resume_ms, duration_ms }: Playback): Promise<void> {
    if (this.failure) {
      this.events.emit("error", this.failure);
      return Promise.reject(this.failure);
    }
    this.durationMs = duration_ms;
    this.positionMs = resume_ms;
    this.move("ready");
    return Promise.resolve();
  }

  start(): Promise<void> {
    return this.play();
  }

  play(): Promise<void> {
    this.move("playing");
    return Promise.resolve();
  }

  pause(): void {
    if (this.state === "playing") this.move("paused");
  }

  seek(positionMs: number): void {
    this.positionMs = positionMs;
    this.events.emit("time", positionMs);
    if (this.state === "ended") this.move("playing");
  }

  selectAudio(id: string): void {
    this.audio = this.audio.map((track) => ({ ...track, active: track.id === id }));
    this.events.emit("tracks", null);
  }

  selectText(id: string | null): void {
    this.text = this.text.map((track) => ({ ...track, active: track.id === id }));
    this.events.emit("tracks", null);
  }

  renew({ dash }: Playback["manifests"]): void {
    this.renewed.push(dash);
  }

  on<Kind extends keyof PlayerEvents>(kind: Kind, listener: (value: PlayerEvents[Kind]) => void): () => void {
    return this.events.on(kind, listener);
  }

  dispose(): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }
}

const THUMBNAILS: Thumbnails = {
  url_template: "https://edge.example/s/T0/p/x/thumbs/{n}.jpg",
  columns: 5,
  rows: 5,
  tile_width: 320,
  tile_height: 180,
  interval_ms: 2_000,
  count: 30,
};

/** What the server answers for a film of a minute, at its 20th second. */
export function fakePlayback(titleId: string, session: string, more: Partial<Playback> = {}): Playback {
  return {
    session_id: session,
    title: { id: titleId, kind: "film", name: titleId, year: null, duration_ms: 60_000, age_class: 0, genres: [], artwork: null, synopsis_short: "", service_id: "s" },
    manifests: { hls: "https://edge.example/s/T0/p/x/master.m3u8", dash: "https://edge.example/s/T0/p/x/manifest.mpd" },
    licence: { system: "org.w3.clearkey", url: "https://web.example/licence/clearkey/T0", keys: {} },
    resume_ms: 20_000,
    duration_ms: 60_000,
    audio_language: "fr",
    subtitle_language: null,
    thumbnails: THUMBNAILS,
    av1: null,
    markers: [],
    next: null,
    heartbeat: { url: `/api/v1/playback/${session}/heartbeat`, every_ms: 10_000 },
    events: { url: `https://web.example/cmcd/${session}` },
    token_expires_at: "2026-01-01T00:00:00Z",
    ...more,
  };
}
