// What a play tells of itself: CMCD v2 events, and no second pipe. Lines that could not be delivered wait and go with the
// next ones; `sn` counts them, so that the receiver can drop what it has twice. The queue is bounded, because a network that
// is away for an evening must not fill a box's memory.

import { encodeEvent, type CmcdEvent, type CmcdValue, type EventKind, type PlayState } from "./cmcd";

/** Every 30 s, as the standard recommends for the time event. */
export const TIME_EVENT_MS = 30_000;
const MOST_WAITING = 200;

export interface ReportTransport {
  /** Whether the body was delivered. Must not throw. */
  post(url: string, body: string): Promise<boolean>;
  /** For a page that is going away: true when the browser has taken it on. */
  beacon(url: string, body: string): boolean;
}

/** What is true at the moment of an event. */
export interface Snapshot {
  readonly positionMs: number;
  readonly bufferMs: number;
  /** bit/s */
  readonly bitrate: number | null;
  /** bit/s */
  readonly throughput: number | null;
  readonly format: "dash" | "hls";
}

export interface ReporterOptions {
  readonly url: string;
  readonly sessionId: string;
  readonly contentId: string;
  readonly transport: ReportTransport;
  now(): number;
  snapshot(): Snapshot;
}

export class Reporter {
  private sequence = 0;
  private waiting: string[] = [];
  private sending: Promise<void> | null = null;
  private state: PlayState | null = null;
  private began = 0;
  private delay: number | null = null;
  private starvedAt: number | null = null;
  private starved: number[] = [];
  private timer: ReturnType<typeof setInterval> | null = null;
  private over = false;

  constructor(private readonly options: ReporterOptions) {}

  /** OK was pressed, at this moment: the start's delay counts from there. Nothing that happened before is told. */
  begin(pressedAt = this.options.now()): void {
    if (this.state !== null) return;
    this.began = pressedAt;
    this.timer = setInterval(() => this.tick(), TIME_EVENT_MS);
    this.move("s");
  }

  playing(): void {
    if (this.delay === null && this.state === "s") {
      this.delay = this.options.now() - this.began;
      this.move("p", { msd: this.delay });
    } else {
      this.move("p");
    }
  }

  paused(): void {
    this.move("a");
  }

  seeking(): void {
    this.move("k");
  }

  /** The film stands still for want of bytes, or goes on. */
  rebuffering(yes: boolean): void {
    if (this.state === null || this.over) return;
    if (yes && this.starvedAt === null) {
      this.starvedAt = this.options.now();
      this.move("r");
    } else if (!yes && this.starvedAt !== null) {
      this.starved.push(this.options.now() - this.starvedAt);
      this.starvedAt = null;
      this.move("p");
    }
  }

  quality(): void {
    if (this.state !== null) this.say("bc", {});
  }

  background(yes: boolean): void {
    if (this.state !== null) this.say("b", { bg: yes });
  }

  /** A failure for good: the error, then the state that it leaves. */
  failed(codes: readonly string[]): void {
    if (this.over) return;
    if (this.state === null) this.begin();
    this.say("e", { ec: codes });
    this.finish("f");
  }

  ended(): void {
    this.finish("e");
  }

  quit(): void {
    this.finish("q");
  }

  /** Hands all that waits to the browser, which sends it even when the page is gone. */
  leave(): void {
    if (this.waiting.length === 0) return;
    if (this.options.transport.beacon(this.options.url, this.waiting.join("\n"))) this.waiting = [];
  }

  private finish(state: PlayState): void {
    if (this.over || this.state === null) return;
    if (this.starvedAt !== null) {
      this.starved.push(this.options.now() - this.starvedAt);
      this.starvedAt = null;
    }
    this.move(state);
    this.over = true;
    if (this.timer !== null) clearInterval(this.timer);
  }

  private tick(): void {
    // A paused screen may stand for a night; its pause has been told once.
    if (this.state === "a") void this.flush();
    else this.say("t", {});
  }

  private move(state: PlayState, more: Record<string, CmcdValue> = {}): void {
    if (this.over || state === this.state || (this.state === null && state !== "s")) return;
    this.state = state;
    this.say("ps", more);
  }

  private say(kind: EventKind, more: Record<string, CmcdValue>): void {
    if (this.over || this.state === null) return;
    const { positionMs, bufferMs, bitrate, throughput, format } = this.options.snapshot();
    const event: CmcdEvent = {
      e: kind,
      ts: this.options.now(),
      sn: this.sequence++,
      sid: this.options.sessionId,
      cid: this.options.contentId,
      sf: format === "dash" ? "d" : "h",
      st: "v",
      sta: this.state,
      pt: positionMs,
      bl: [bufferMs],
      br: bitrate === null ? undefined : [bitrate / 1000],
      mtp: throughput === null ? undefined : [throughput / 1000],
      bs: this.starved.length > 0,
      bsd: this.starved,
      ...more,
    };
    this.starved = [];
    this.waiting.push(encodeEvent(event));
    if (this.waiting.length > MOST_WAITING) this.waiting.splice(0, this.waiting.length - MOST_WAITING);
    void this.flush();
  }

  private flush(): Promise<void> {
    this.sending ??= this.send().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  private async send(): Promise<void> {
    // Events of one moment go together: a failure and the state after it are one request.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      if (await this.options.transport.post(this.options.url, batch.join("\n"))) continue;
      this.waiting = [...batch, ...this.waiting].slice(-MOST_WAITING);
      return;
    }
  }
}

const TYPE = "application/cmcd";

/** The browser's own ways to send. No credentials: the token of the stream, in the address, says who reports. */
export const browserTransport: ReportTransport = {
  async post(url, body) {
    try {
      const answer = await fetch(url, { method: "POST", body, keepalive: true, headers: { "Content-Type": TYPE }, credentials: "omit" });
      // A report that the server will never take is as good as delivered: sending it again would not help.
      return answer.ok || (answer.status >= 400 && answer.status < 500 && answer.status !== 429);
    } catch {
      return false;
    }
  },
  beacon(url, body) {
    return navigator.sendBeacon(url, new Blob([body], { type: TYPE }));
  },
};
