// What a film told at its end and nobody heard, since the server was away: kept on this device, and told when it is back. Its
// age is told with it, so that a screen where somebody watched on meanwhile is not put back.

import type { Client } from "../api/client";
import { ApiError } from "../api/errors";
import type { DurationMs, Id } from "../api/types";

export interface UnsentStore {
  get(key: string): string | null;
  set(key: string, value: string | null): void;
}

interface Unsent {
  readonly session: Id;
  readonly sequence: number;
  readonly positionMs: DurationMs;
  /** ms since 1970, by this device: only differences of it are used. */
  readonly at: number;
}

const KEY = "matinee.unsent";
/** The newest are kept: an evening without the server is a handful of films. */
export const MOST = 20;
/** An older place interests nobody. */
export const OLDEST_MS = 48 * 3_600_000;
const AGAIN_MS = 30_000;

export class UnsentEnds {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private busy = false;

  constructor(
    private readonly client: Pick<Client, "endPlayback">,
    private readonly store: UnsentStore,
    private readonly now: () => number,
  ) {}

  /** Tells the end of a play, now or, where nobody hears it, later. Never throws. */
  async tell(session: Id, sequence: number, positionMs: DurationMs): Promise<void> {
    const said: Unsent = { session, sequence, positionMs, at: this.now() };
    // Written first: the page may be gone before an answer comes.
    this.write([...this.read(), said]);
    if (await this.send(said)) this.drop(said);
    else this.later();
  }

  /** The server may be there again. */
  async retry(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    for (const said of this.read()) {
      if (!(await this.send(said))) break;
      this.drop(said);
    }
    this.busy = false;
    if (this.read().length > 0) this.later();
  }

  /** Whether it is settled: heard, or refused for good. */
  private async send({ session, sequence, positionMs, at }: Unsent): Promise<boolean> {
    const late = Math.max(0, Math.round(this.now() - at));
    if (late > OLDEST_MS) return true;
    try {
      await this.client.endPlayback(session, sequence, positionMs, late < 1_000 ? {} : { lateMs: late });
      return true;
    } catch (error) {
      return error instanceof ApiError && error.status < 500 && error.status !== 401 && error.status !== 429;
    }
  }

  private later(): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      void this.retry();
    }, AGAIN_MS);
  }

  private drop(said: Unsent): void {
    this.write(this.read().filter((one) => one.session !== said.session));
  }

  private read(): Unsent[] {
    try {
      const kept: unknown = JSON.parse(this.store.get(KEY) ?? "[]");
      return Array.isArray(kept) ? kept.filter(isUnsent) : [];
    } catch {
      return [];
    }
  }

  private write(every: readonly Unsent[]): void {
    this.store.set(KEY, every.length === 0 ? null : JSON.stringify(every.slice(-MOST)));
  }
}

function isUnsent(value: unknown): value is Unsent {
  if (typeof value !== "object" || value === null) return false;
  const { session, sequence, positionMs, at } = value as Partial<Record<keyof Unsent, unknown>>;
  return typeof session === "string" && typeof sequence === "number" && typeof positionMs === "number" && typeof at === "number";
}
