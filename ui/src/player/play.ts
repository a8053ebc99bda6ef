// One play, from OK to its end: the port that shows it, the heartbeats that keep its place, the reports that tell how it went.
// Nothing of it has left this machine before `start`: a play that was prepared and never started leaves no trace.

import type { Client } from "../api/client";
import { complaintOf } from "../api/errors";
import type { DurationMs, Id, Playback } from "../api/types";
import { Reporter, type ReportTransport } from "../telemetry/reporter";
import { HeartbeatLoop, type Beat } from "./heartbeat";
import { failureOf } from "./shaka_failures";
import { renewed, streamPrefix } from "./stream_url";
import type { PlayerPort, PlayerState } from "./port";
import type { UnsentEnds } from "./unsent";

/** The word for a play whose screen was signed out: the server says it, and so does a heartbeat that is let in no more. */
export const SIGNED_OUT = "signed_out";

export interface PlayPorts {
  readonly client: Pick<Client, "heartbeat">;
  /** Where the end of a play is told, now or when the server is back. */
  readonly ends: Pick<UnsentEnds, "tell" | "retry">;
  readonly reports: ReportTransport;
  /** ms since 1970 */
  now(): number;
}

export class Play {
  private readonly reporter: Reporter;
  private readonly heart: HeartbeatLoop;
  private readonly gone = new AbortController();
  private readonly stopped = new Set<(reason: string) => void>();
  private over = false;
  private asked = false;
  private began = false;
  private reason: string | null = null;

  /** What the server answered, its addresses with the newest token. */
  readonly playback: Playback;

  constructor(
    readonly titleId: Id,
    told: Playback,
    readonly port: PlayerPort,
    ports: PlayPorts,
  ) {
    const playback = copied(told);
    this.playback = playback;
    this.reporter = new Reporter({
      get url() {
        return playback.events.url;
      },
      sessionId: playback.session_id,
      contentId: playback.title.id,
      transport: ports.reports,
      now: () => ports.now(),
      snapshot: () => {
        const quality = port.quality;
        return {
          positionMs: port.positionMs,
          bufferMs: quality?.bufferMs ?? 0,
          bitrate: quality?.bitrate || null,
          throughput: quality?.throughput || null,
          format: quality?.format ?? "dash",
        };
      },
    });
    this.heart = new HeartbeatLoop({
      everyMs: playback.heartbeat.every_ms,
      now: () => ({ position_ms: port.positionMs, state: beatState(port.state) }),
      answered: ({ manifests, token, stop }) => {
        port.renew(manifests);
        freshen(playback, manifests.dash, token);
        if (stop !== null) this.stop(stop);
      },
      transport: {
        beat: (beat) =>
          ports.client.heartbeat(playback.session_id, beat, { keepalive: true }).then(
            (answer) => {
              void ports.ends.retry();
              return answer;
            },
            (error: unknown) => {
              if (complaintOf(error) === "signedOut") this.signedOut();
              return null;
            },
          ),
        end: ({ sequence, position_ms }) => void ports.ends.tell(playback.session_id, sequence, position_ms),
      },
    });
  }

  /** OK was pressed, at `pressedAt` (ms since 1970): from here on this play is told of. */
  press(pressedAt: number): void {
    if (this.asked) return;
    this.asked = true;
    this.reporter.begin(pressedAt);
    this.listen();
  }

  /** Resolves at the first frame that moves; rejects with PlayerFailure. `press` comes before. */
  async start(fromStart: boolean): Promise<void> {
    if (this.began) return;
    this.began = true;
    if (fromStart && this.port.positionMs > 0) this.port.seek(0);
    try {
      await this.port.start();
    } catch (error) {
      const failure = failureOf(error);
      this.failed([failure.code, failure.detail]);
      throw failure;
    }
    this.heart.start();
  }

  seek(positionMs: DurationMs): void {
    this.port.seek(positionMs);
  }

  /** The server ends this play: too many screens, rights that ended. Who comes late is told too. Returns the way to stop listening. */
  onStop(listener: (reason: string) => void): () => void {
    this.stopped.add(listener);
    if (this.reason !== null) listener(this.reason);
    return () => this.stopped.delete(listener);
  }

  /** Ends the session and frees the decoder. Safe to call twice. */
  async end(): Promise<void> {
    this.finish();
    this.gone.abort();
    await this.port.dispose();
  }

  private stop(reason: string): void {
    this.reason = reason;
    this.port.pause();
    for (const tell of this.stopped) tell(reason);
  }

  /** The server knows this screen no more: it would hear no report and no end either. */
  private signedOut(): void {
    if (this.over) return;
    this.over = true;
    this.reporter.quit();
    this.heart.silence();
    this.stop(SIGNED_OUT);
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.reporter.quit();
    this.heart.end();
  }

  private failed(codes: readonly string[]): void {
    this.reporter.failed(codes);
    this.heart.end();
  }

  private listen(): void {
    const { port, reporter, heart } = this;
    const stops = [
      port.on("state", (state) => {
        if (state === "playing") reporter.playing();
        else if (state === "paused") reporter.paused();
        else if (state === "seeking") reporter.seeking();
        if (state === "paused" || state === "seeking" || state === "playing") heart.soon();
      }),
      port.on("rebuffer", (yes) => reporter.rebuffering(yes)),
      port.on("quality", () => reporter.quality()),
      port.on("stale", () => heart.now()),
      port.on("error", (failure) => this.failed([failure.code, failure.detail])),
      port.on("ended", () => {
        heart.now();
        reporter.ended();
      }),
    ];
    const once = { signal: this.gone.signal };
    document.addEventListener(
      "visibilitychange",
      () => {
        reporter.background(document.visibilityState === "hidden");
        if (document.visibilityState === "hidden") heart.now();
      },
      once,
    );
    window.addEventListener(
      "pagehide",
      (event) => {
        // A page that may come back keeps its session; the place is kept either way.
        if (event.persisted) heart.now();
        else this.finish();
        reporter.leave();
      },
      once,
    );
    this.gone.signal.addEventListener("abort", () => {
      for (const stop of stops) stop();
    });
  }
}

/** Its addresses change, and the answer may be somebody else's too. */
function copied(told: Playback): Playback {
  return { ...told, events: { ...told.events }, thumbnails: told.thumbnails && { ...told.thumbnails } };
}

/** Thumbnails and reports go by the newest token, too: the one of a film that was prepared lasts for minutes. */
function freshen(playback: Playback, manifest: string, token: string): void {
  playback.events.url = playback.events.url.replace(/\/cmcd\/[^/]+$/, `/cmcd/${token}`);
  const { thumbnails } = playback;
  const [before, now] = [streamPrefix(thumbnails?.url_template ?? ""), streamPrefix(manifest)];
  if (thumbnails && before !== null && now !== null) thumbnails.url_template = renewed(thumbnails.url_template, before, now);
}

function beatState(state: PlayerState): Beat["state"] {
  if (state === "ended") return "ended";
  return state === "paused" || state === "ready" || state === "failed" ? "paused" : "playing";
}
