// One small report at a steady beat, and at each moment that matters: pause, seek, end, the page going away. The server keeps
// the position of the highest sequence it has seen, so the sequence counts up once per report that is made, never per
// attempt. A report that fails is not sent again: the next one says all that it said, and newer. No failure stops the film.

import type { DurationMs, Heartbeat, HeartbeatAnswer } from "../api/types";

export type Beat = Heartbeat;

export interface HeartbeatTransport {
  /** null: the server could not be reached, or did not want to hear it. Must not throw. */
  beat(beat: Beat): Promise<HeartbeatAnswer | null>;
  /** The last one; must survive the page. */
  end(beat: Pick<Beat, "sequence" | "position_ms">): void;
}

export interface HeartbeatOptions {
  readonly everyMs: DurationMs;
  readonly transport: HeartbeatTransport;
  /** Where the film is, when a report is made. */
  now(): Omit<Beat, "sequence">;
  /** The answer to the newest report: older answers that come late are dropped. */
  answered(answer: HeartbeatAnswer): void;
}

/** Reports at moments that follow each other faster than this (a person pressing right ten times) become one. */
const CALM_MS = 400;

export class HeartbeatLoop {
  private sequence = 0;
  private answeredUpTo = -1;
  private timer: ReturnType<typeof setInterval> | null = null;
  private calm: ReturnType<typeof setTimeout> | null = null;
  private over = false;

  constructor(private readonly options: HeartbeatOptions) {}

  /** The film moves. The first report goes out at once, which tells the server that the session is in use. */
  start(): void {
    if (this.timer !== null || this.over) return;
    this.timer = setInterval(() => this.beat(), this.options.everyMs);
    this.beat();
  }

  /** Something happened that the server should know before the next beat. */
  soon(): void {
    if (this.timer === null || this.over) return;
    if (this.calm !== null) clearTimeout(this.calm);
    this.calm = setTimeout(() => {
      this.calm = null;
      this.beat();
    }, CALM_MS);
  }

  /** Now, without waiting: the page may be going away. */
  now(): void {
    if (this.timer === null || this.over) return;
    if (this.calm !== null) clearTimeout(this.calm);
    this.calm = null;
    this.beat();
  }

  /** Nothing after this. A loop that never started says nothing here either. */
  end(): void {
    if (this.over) return;
    const began = this.timer !== null;
    this.silence();
    if (began) this.options.transport.end({ sequence: this.sequence++, position_ms: this.options.now().position_ms });
  }

  /** Nothing after this, and no last word: there is nobody any more who would hear it. */
  silence(): void {
    this.over = true;
    if (this.timer !== null) clearInterval(this.timer);
    if (this.calm !== null) clearTimeout(this.calm);
  }

  private beat(): void {
    const sequence = this.sequence++;
    void this.options.transport.beat({ sequence, ...this.options.now() }).then((answer) => {
      if (answer === null || this.over || sequence < this.answeredUpTo) return;
      this.answeredUpTo = sequence;
      this.options.answered(answer);
    });
  }
}
