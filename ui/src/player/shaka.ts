// Shaka Player behind PlayerPort. This module, and Shaka with it, is fetched and evaluated in idle time (engine.ts): on a slow
// box that costs half a second, which nobody should wait for after pressing OK.
//
// Three things are ours rather than Shaka's. Subtitles: drawn by our screen, so that they keep to the safe area and move up
// with the controls. Reports: a film that is prepared must stay silent. Waiting: while bytes do not come, Shaka is told to
// try again for as long as someone might still wait for them, since a film that goes on by itself is better than an error.

import shaka from "shaka-player/dist/shaka-player.compiled-es2021.js";
import type { AudioRole, DurationMs, Playback, TextRole } from "../api/types";
import { channelsHere, oneOfEach } from "./channels";
import { codingsInOrder, type CodecPrefix } from "./codings";
import { Emitter } from "./emitter";
import {
  PlayerFailure,
  type AudioChoice,
  type PlayerEvents,
  type PlayerPort,
  type PlayerState,
  type Quality,
  type TextChoice,
  type TimeRange,
} from "./port";
import { CRITICAL, failureOf, isPassing, isShakaError, wantsRenewal } from "./shaka_failures";
import { renewed, streamPrefix } from "./stream_url";
import { CueStore, keepSpaces, readCue } from "./subtitles";

type Format = "dash" | "hls";

const MIME: Record<Format, string> = { dash: "application/dash+xml", hls: "application/vnd.apple.mpegurl" };
/** localStorage: "dash" or "hls" to prefer one, for operators whose boxes do better with it. */
const FORMAT_KEY = "matinee.format";
/** localStorage: bit/s that the last film was given, so that the next one starts at a fitting rung. */
const THROUGHPUT_KEY = "matinee.throughput";
const UNKNOWN_THROUGHPUT = 3_000_000;
/** Never start higher than this much of what the network gave last: a start that stalls is worse than a soft one. */
const START_SHARE = 0.7;
/** Seconds of film to hold ahead and behind: some 25 MB at 5 Mbit/s, which a box of 1 GB has to spare. */
const AHEAD_S = 30;
const BEHIND_S = 15;
/** A film that has stood still for so long, for want of bytes, has failed. */
const PATIENCE_MS = 30_000;
/** A key that has not come within this time does not come: the browser itself would wait for ever. */
const KEY_PATIENCE_MS = 10_000;
const RETRY_S = [0.5, 1, 2, 4] as const;

let polyfilled = false;

/** Rejects with PlayerFailure("unsupported") where this browser has no media source or no keys. */
export async function createShakaPlayer(): Promise<PlayerPort> {
  if (!polyfilled) shaka.polyfill.installAll();
  polyfilled = true;
  if (!shaka.Player.isBrowserSupported()) throw new PlayerFailure("unsupported", "no MediaSource");
  const element = document.createElement("video");
  element.playsInline = true;
  element.preload = "auto";
  element.disableRemotePlayback = true;
  const player = new shaka.Player();
  await player.attach(element);
  return new ShakaPlayer(element, player);
}

class ShakaPlayer implements PlayerPort {
  private readonly events = new Emitter<PlayerEvents>();
  private readonly cues = new CueStore();
  private readonly gone = new AbortController();
  private format: Format = "dash";
  private prefixes: { startedWith: string; newest: string } | null = null;
  private known: PlayerState = "idle";
  private loaded = false;
  private started = false;
  private failed = false;
  private afterSeek = false;
  private starving = false;
  private troubleSince: number | null = null;
  private retries = 0;
  private textOn = false;
  private cueTimer: ReturnType<typeof setTimeout> | null = null;
  private keyTimer: ReturnType<typeof setTimeout> | null = null;
  private shown = "";

  constructor(
    readonly element: HTMLVideoElement,
    private readonly player: shaka.Player,
  ) {
    const once = { signal: this.gone.signal };
    for (const kind of ["playing", "pause", "waiting", "seeked", "ended", "canplay", "play"] as const) {
      element.addEventListener(kind, () => this.update(), once);
    }
    element.addEventListener("seeking", () => this.onSeeking(), once);
    element.addEventListener("waitingforkey", () => this.onKeyMissing(), once);
    element.addEventListener("timeupdate", () => this.onTime(), once);
    for (const kind of ["adaptation", "variantchanged"]) {
      player.addEventListener(kind, () => this.quality && this.events.emit("quality", this.quality));
    }
    for (const kind of ["trackschanged", "textchanged", "audiotrackschanged", "variantchanged"]) {
      player.addEventListener(kind, () => this.events.emit("tracks", null));
    }
    player.addEventListener("buffering", () => this.update());
    player.addEventListener("error", (event) => this.onError((event as unknown as { detail: unknown }).detail));
    player.getNetworkingEngine()?.registerRequestFilter((_, request) => {
      const prefixes = this.prefixes;
      if (prefixes) request.uris = request.uris.map((uri) => renewed(uri, prefixes.startedWith, prefixes.newest));
    });
    player.getNetworkingEngine()?.registerResponseFilter((_, response, context) => {
      if (context?.stream?.type !== "text" || context.stream.mimeType !== "text/vtt") return;
      response.data = new TextEncoder().encode(keepSpaces(new TextDecoder().decode(response.data)));
    });
  }

  get state(): PlayerState {
    return this.known;
  }

  get positionMs(): DurationMs {
    return Math.round(this.element.currentTime * 1000);
  }

  get durationMs(): DurationMs {
    return Number.isFinite(this.element.duration) ? Math.round(this.element.duration * 1000) : 0;
  }

  get buffered(): TimeRange[] {
    const { buffered } = this.element;
    return Array.from({ length: buffered.length }, (_, n) => ({
      startMs: Math.round(buffered.start(n) * 1000),
      endMs: Math.round(buffered.end(n) * 1000),
    }));
  }

  get quality(): Quality | null {
    if (!this.loaded) return null;
    const stats = this.player.getStats();
    const here = this.positionMs;
    const range = this.buffered.find(({ startMs, endMs }) => startMs <= here + 100 && here < endMs);
    return {
      height: stats.height || this.element.videoHeight,
      bitrate: Number.isFinite(stats.streamBandwidth) ? Math.round(stats.streamBandwidth) : 0,
      throughput: Number.isFinite(stats.estimatedBandwidth) ? Math.round(stats.estimatedBandwidth) : 0,
      bufferMs: range ? range.endMs - here : 0,
      droppedFrames: Number.isFinite(stats.droppedFrames) ? stats.droppedFrames : 0,
      format: this.format,
    };
  }

  get audio(): AudioChoice[] {
    return oneOfEach(this.player.getAudioTracks(), audioId, channelsHere()).map((track) => ({
      id: audioId(track),
      language: track.language,
      label: track.label ?? "",
      role: audioRole(track),
      active: track.active,
    }));
  }

  get text(): TextChoice[] {
    return this.player.getTextTracks().map((track) => ({
      id: String(track.id),
      language: track.language,
      label: track.label ?? "",
      role: textRole(track),
      active: track.active && this.textOn,
    }));
  }

  get muted(): boolean {
    return this.element.muted;
  }

  set muted(value: boolean) {
    this.element.muted = value;
  }

  async preload(playback: Playback): Promise<void> {
    this.configure(playback);
    const [best, ...others] = await codingsInOrder(playback.av1);
    const [first, ...rest] = formatsInOrder();
    // Where AV1 fails, the same manifest is played in H.264; where that fails, the other manifest is tried, in H.264 as well.
    const tries = [[first, best], ...others.map((coding) => [first, coding]), ...rest.map((format) => [format, "avc1"])] as [Format, CodecPrefix][];
    for (const [at, [format, coding]] of tries.entries()) {
      try {
        await this.load(format, coding, playback);
        break;
      } catch (error) {
        const failure = failureOf(error);
        const mayHelp = failure.code === "media" || failure.code === "gone" || failure.code === "unsupported";
        if (!mayHelp || at === tries.length - 1) {
          this.fail(failure);
          throw failure;
        }
      }
    }
    this.chooseText(playback);
    await this.firstPicture();
    this.loaded = true;
    this.update();
    this.events.emit("tracks", null);
  }

  async start(): Promise<void> {
    this.started = true;
    await this.play();
  }

  async play(): Promise<void> {
    try {
      await this.element.play();
    } catch (error) {
      // A browser that wants a touch first leaves the film paused, and so does a pause that came in between: both are states
      // that the screen shows, not failures.
      const name = error instanceof DOMException ? error.name : "";
      if (name !== "NotAllowedError" && name !== "AbortError") throw failureOf(error);
      this.update();
    }
  }

  pause(): void {
    this.element.pause();
  }

  seek(positionMs: DurationMs): void {
    const last = Math.max(0, this.durationMs - 100);
    this.element.currentTime = Math.max(0, Math.min(positionMs, last)) / 1000;
  }

  selectAudio(id: string): void {
    const track = oneOfEach(this.player.getAudioTracks(), audioId, channelsHere()).find((one) => audioId(one) === id);
    // A margin keeps what is about to be heard in the buffer, so that the change makes no hole.
    if (track && !track.active) this.player.selectAudioTrack(track, 1);
    this.events.emit("tracks", null);
  }

  selectText(id: string | null): void {
    const track = id === null ? null : (this.player.getTextTracks().find((one) => String(one.id) === id) ?? null);
    this.textOn = track !== null;
    this.cues.remove(0, Number.POSITIVE_INFINITY);
    this.player.selectTextTrack(track);
    this.showCues();
    this.events.emit("tracks", null);
  }

  renew(manifests: Playback["manifests"]): void {
    const newest = streamPrefix(manifests[this.format]);
    if (newest && this.prefixes) this.prefixes = { ...this.prefixes, newest };
  }

  on<Kind extends keyof PlayerEvents>(kind: Kind, listener: (value: PlayerEvents[Kind]) => void): () => void {
    return this.events.on(kind, listener);
  }

  async dispose(): Promise<void> {
    if (this.gone.signal.aborted) return;
    this.gone.abort();
    this.events.clear();
    for (const timer of [this.cueTimer, this.keyTimer]) if (timer !== null) clearTimeout(timer);
    if (this.loaded) remember(this.player.getStats().estimatedBandwidth);
    await this.player.destroy();
    this.element.remove();
  }

  private configure({ licence, audio_language: audio, subtitle_language: text }: Playback): void {
    const inline = Object.keys(licence.keys).length > 0;
    this.player.configure({
      drm: inline ? { clearKeys: licence.keys } : { servers: { [licence.system]: licence.url } },
      // Packagers mark the first language alone as main: the wished language counts for more than the role.
      preferredAudio: ["main", ""].map((role) => ({ language: audio, role, label: "", channelCount: channelsHere(), codec: "", spatialAudio: false })),
      preferredText: text === null ? [] : [{ language: text, role: "", format: "", forced: false }],
      textDisplayFactory: (_player: shaka.Player) => this.displayer(),
      abr: { defaultBandwidthEstimate: remembered() * START_SHARE, restrictToScreenSize: true },
      streaming: { bufferingGoal: AHEAD_S, bufferBehind: BEHIND_S, ignoreTextStreamFailures: true },
    });
  }

  private async load(format: Format, coding: CodecPrefix, playback: Playback): Promise<void> {
    const url = playback.manifests[format];
    const prefix = streamPrefix(url);
    this.format = format;
    // With a codec preferred Shaka keeps the variants of that one alone, so that no other is ever given to the decoder.
    this.player.configure("preferredVideo", [{ codec: coding, label: "", role: "", language: "", hdrLevel: "AUTO", layout: "" }]);
    this.prefixes = prefix === null ? null : { startedWith: prefix, newest: prefix };
    this.move("loading");
    const startS = playback.resume_ms > 0 ? playback.resume_ms / 1000 : undefined;
    await this.player.load(url, startS, MIME[format]);
  }

  /** The language asked for; else the forced lines of the language that is heard; else none. */
  private chooseText({ subtitle_language: wanted, audio_language: heard }: Playback): void {
    const tracks = this.text;
    const speaks = (track: TextChoice, language: string): boolean => track.language.split("-")[0] === language.split("-")[0];
    const track =
      wanted === null
        ? tracks.find((one) => one.role === "forced" && speaks(one, heard))
        : (tracks.find((one) => one.role === "subtitle" && speaks(one, wanted)) ?? tracks.find((one) => speaks(one, wanted)));
    this.selectText(track?.id ?? null);
  }

  private async firstPicture(): Promise<void> {
    const { element } = this;
    if (element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !element.seeking) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (then: () => void) => () => {
        stop();
        events.abort();
        then();
      };
      const events = new AbortController();
      const stop = this.on("error", (failure) => settle(() => reject(failure))());
      const gone = (): void => settle(() => reject(new PlayerFailure("engine", "disposed")))();
      const late = setTimeout(() => this.fail(new PlayerFailure("network", "no first picture")), PATIENCE_MS);
      events.signal.addEventListener("abort", () => clearTimeout(late));
      element.addEventListener("canplay", settle(resolve), { signal: events.signal });
      this.gone.signal.addEventListener("abort", gone, { signal: events.signal });
    });
  }

  private onKeyMissing(): void {
    const at = this.element.currentTime;
    this.keyTimer ??= setTimeout(() => {
      this.keyTimer = null;
      const { element } = this;
      if (element.currentTime === at && element.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) this.fail(new PlayerFailure("licence", "no key"));
    }, KEY_PATIENCE_MS);
  }

  private onSeeking(): void {
    this.afterSeek = true;
    this.update();
    this.onTime();
  }

  private onTime(): void {
    if (this.troubleSince !== null && this.known === "playing") this.troubleSince = null;
    this.events.emit("time", this.positionMs);
    this.showCues();
  }

  private update(): void {
    const state = this.derive();
    if (state === "playing") {
      this.afterSeek = false;
      this.retries = 0;
    }
    // A slow decoder also makes a film wait; only a wait for bytes is told as one.
    const dry = state === "waiting" && this.player.isBuffering();
    const starving = dry && !this.afterSeek && (this.starving || this.known === "playing");
    if (starving !== this.starving) {
      this.starving = starving;
      this.events.emit("rebuffer", starving);
    }
    const before = this.known;
    this.move(state);
    if (state === "ended" && before !== "ended") this.events.emit("ended", null);
  }

  private derive(): PlayerState {
    const { element } = this;
    if (this.failed) return "failed";
    if (!this.loaded) return this.known;
    if (element.ended) return "ended";
    if (!this.started) return "ready";
    if (element.seeking) return "seeking";
    if (element.paused) return "paused";
    return this.player.isBuffering() || element.readyState < HTMLMediaElement.HAVE_FUTURE_DATA ? "waiting" : "playing";
  }

  private move(state: PlayerState): void {
    if (state === this.known) return;
    this.known = state;
    this.events.emit("state", state);
  }

  private onError(error: unknown): void {
    if (this.failed || this.gone.signal.aborted || !isShakaError(error) || error.severity !== CRITICAL) return;
    if (!this.loaded || !isPassing(error)) {
      // Before the first picture, `preload` rejects with it and decides whether the other format may help.
      if (this.loaded) this.fail(failureOf(error));
      return;
    }
    (error as { handled?: boolean }).handled = true;
    if (wantsRenewal(error)) this.events.emit("stale", null);
    this.troubleSince ??= performance.now();
    if (this.known !== "playing" && performance.now() - this.troubleSince > PATIENCE_MS) {
      this.fail(failureOf(error));
      return;
    }
    this.player.retryStreaming(RETRY_S[Math.min(this.retries++, RETRY_S.length - 1)]);
  }

  private fail(failure: PlayerFailure): void {
    if (this.failed) return;
    this.failed = true;
    this.move("failed");
    this.events.emit("error", failure);
  }

  private displayer(): shaka.extern.TextDisplayer {
    return {
      append: (parsed) => {
        this.cues.append(parsed.map(readCue).filter((cue) => cue !== null));
        this.showCues();
      },
      remove: (startS, endS) => {
        this.cues.remove(startS * 1000, endS * 1000);
        this.showCues();
        return true;
      },
      isTextVisible: () => this.textOn,
      setTextVisibility: () => undefined,
      setTextLanguage: () => undefined,
      configure: () => undefined,
      destroy: () => Promise.resolve(),
    };
  }

  private showCues(): void {
    if (this.cueTimer !== null) clearTimeout(this.cueTimer);
    this.cueTimer = null;
    const here = this.positionMs;
    const subtitles = this.textOn ? this.cues.at(here) : [];
    const said = JSON.stringify(subtitles);
    if (said !== this.shown) {
      this.shown = said;
      this.events.emit("subtitles", subtitles);
    }
    const next = this.textOn && this.known === "playing" ? this.cues.nextChange(here) : null;
    if (next !== null && next - here < 1_000) this.cueTimer = setTimeout(() => this.showCues(), Math.max(10, next - here));
  }
}

function audioId(track: shaka.extern.AudioTrack): string {
  return `${track.language}/${audioRole(track)}/${track.label ?? ""}`;
}

function audioRole(track: shaka.extern.AudioTrack): AudioRole {
  if (track.roles.includes("commentary")) return "commentary";
  return track.roles.includes("description") || track.accessibilityPurpose === "visually impaired" ? "description" : "main";
}

function textRole(track: shaka.extern.TextTrack): TextRole {
  if (track.forced || track.roles.includes("forced-subtitle") || track.roles.includes("forced_subtitle")) return "forced";
  return track.kind === "caption" || track.roles.includes("caption") || track.accessibilityPurpose === "hard of hearing" ? "caption" : "subtitle";
}

/**
 * DASH first: one manifest has all that HLS spreads over a master and a playlist per track, which is three round trips fewer
 * before the first picture (bench: press OK to first frame). HLS is tried where DASH does not work, or first by a setting.
 */
function formatsInOrder(): Format[] {
  return read(FORMAT_KEY) === "hls" ? ["hls", "dash"] : ["dash", "hls"];
}

function remembered(): number {
  const kept = Number(read(THROUGHPUT_KEY));
  return Number.isFinite(kept) && kept > 0 ? kept : UNKNOWN_THROUGHPUT;
}

function remember(throughput: number): void {
  if (!Number.isFinite(throughput) || throughput <= 0) return;
  try {
    localStorage.setItem(THROUGHPUT_KEY, String(Math.round(throughput)));
  } catch {
    // A browser without storage starts each film at the same rung.
  }
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
