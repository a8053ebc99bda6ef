// The predicted start. Whoever rests on Play for half a second mostly presses OK next: by then the session is asked for and
// the film stands loaded on its first picture. What is not taken is thrown away, for a prepared film holds a decoder, some
// megabytes and a place among the household's streams. At most one is prepared at any time: a box has one decoder to spare.

import type { Id } from "../api/types";

/** The focus must rest so long on Play. */
export const REST_MS = 500;
/** A film that stands ready for longer than this is given back. */
export const KEEP_MS = 60_000;

export interface PredictorOptions<Prepared> {
  /** Asks for a session and loads it; told by the signal when nobody wants it any more. */
  prepare(titleId: Id, signal: AbortSignal): Promise<Prepared>;
  discard(prepared: Prepared): void;
}

type Timer = ReturnType<typeof setTimeout>;
interface Asked<Prepared> {
  readonly titleId: Id;
  readonly prepared: Promise<Prepared>;
  readonly abort: AbortController;
}
type State<Prepared> =
  | { readonly kind: "idle" }
  | { readonly kind: "resting"; readonly titleId: Id; readonly timer: Timer }
  | ({ readonly kind: "preparing"; readonly timer: null } & Asked<Prepared>)
  | ({ readonly kind: "ready"; readonly timer: Timer; readonly value: Prepared } & Asked<Prepared>);

export class Predictor<Prepared> {
  private state: State<Prepared> = { kind: "idle" };

  constructor(private readonly options: PredictorOptions<Prepared>) {}

  /** What is being done, for tests and for the screens' diagnostics. */
  get stage(): "idle" | "resting" | "preparing" | "ready" {
    return this.state.kind;
  }

  /** Play of this title has the focus. Saying so again changes nothing. */
  hint(titleId: Id): void {
    if (this.state.kind !== "idle" && this.state.titleId === titleId) return;
    this.cancel();
    this.state = { kind: "resting", titleId, timer: setTimeout(() => this.prepare(titleId), REST_MS) };
  }

  /** The focus left Play, or the screen is going: nobody will take it. */
  cancel(): void {
    const state = this.state;
    this.state = { kind: "idle" };
    if (state.kind === "idle") return;
    if (state.timer !== null) clearTimeout(state.timer);
    if (state.kind === "resting") return;
    state.abort.abort();
    // It may still be on its way: whenever it comes, it is given back. That it failed interests nobody now.
    state.prepared.then(this.options.discard, () => undefined);
  }

  /** OK was pressed: the film that is ready or on its way, from now on the caller's; null when there is none. */
  take(titleId: Id): Promise<Prepared> | null {
    const state = this.state;
    if ((state.kind !== "preparing" && state.kind !== "ready") || state.titleId !== titleId) {
      this.cancel();
      return null;
    }
    if (state.timer !== null) clearTimeout(state.timer);
    this.state = { kind: "idle" };
    return state.prepared;
  }

  /** OK was pressed, and there is no time to wait: the film that is ready, or null, which changes nothing. */
  takeReady(titleId: Id): Prepared | null {
    const state = this.state;
    if (state.kind !== "ready" || state.titleId !== titleId) return null;
    clearTimeout(state.timer);
    this.state = { kind: "idle" };
    return state.value;
  }

  private prepare(titleId: Id): void {
    const abort = new AbortController();
    const prepared = this.options.prepare(titleId, abort.signal);
    const mine: State<Prepared> = { kind: "preparing", titleId, prepared, abort, timer: null };
    this.state = mine;
    prepared.then(
      (value) => {
        if (this.state !== mine) return;
        this.state = { ...mine, kind: "ready", value, timer: setTimeout(() => this.cancel(), KEEP_MS) };
      },
      () => {
        // A prediction that fails is no failure: OK will ask again, and say what is wrong.
        if (this.state === mine) this.state = { kind: "idle" };
      },
    );
  }
}
