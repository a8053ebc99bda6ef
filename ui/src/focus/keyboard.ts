// From the browser's key events to presses: what was meant, whether it repeats, how long it has been held.
//
// Everything acts when the key goes down, since a remote's key-up may come late or never. The one exception is OK on an
// item that also has a long press: there the key-up, or half a second, decides. A held arrow makes one move per painted
// frame at most, and not faster than a person can follow; what comes in between is dropped, never queued, so that the
// screen stops when the finger does.

import { type Action, isDirection, type Press } from "../base/actions";

export const LONG_PRESS_MS = 500;
/** Fastest repeat of a held arrow: ten steps a second. */
export const REPEAT_EVERY_MS = 100;

export interface KeyTranslation {
  /** What this event means on this kind of box; null: not ours. */
  actionOf(event: Pick<KeyboardEvent, "key" | "keyCode">): Action | null;
}

export interface KeyboardPorts {
  /** True: dealt with. */
  press(press: Press): boolean;
  /** Does OK do something else when it is held here? */
  hasLongPress(): boolean;
  longPress(): void;
  /** Calls back after the next paint. */
  afterPaint(callback: () => void): void;
  setTimer(callback: () => void, ms: number): number;
  clearTimer(timer: number): void;
}

interface Held {
  readonly action: Action;
  readonly code: number;
  readonly since: number;
  timer: number | null;
  /** The long press has been made, or was never possible: nothing happens at key-up. */
  spent: boolean;
}

export class Keyboard {
  private held: Held | null = null;
  private painted = true;
  private lastMove = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly keys: KeyTranslation,
    private readonly ports: KeyboardPorts,
  ) {}

  down(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || belongsToText(event) || belongsToButton(event)) return;
    const action = this.keys.actionOf(event);
    if (action === null) return;
    const repeat = event.repeat || (this.held?.code === event.keyCode && this.held.action === action);
    if (!repeat) this.begin(action, event);
    const since = this.held?.since ?? event.timeStamp;
    const press: Press = { action, phase: "down", repeat, heldMs: Math.max(0, event.timeStamp - since) };
    if (action === "ok" && this.held?.timer !== null) {
      event.preventDefault();
      return;
    }
    if (repeat && isDirection(action) && !this.mayMove(event.timeStamp)) {
      event.preventDefault();
      return;
    }
    if (isDirection(action)) this.noteMove(event.timeStamp);
    if (this.ports.press(press)) event.preventDefault();
  }

  up(event: KeyboardEvent): void {
    const held = this.held;
    if (!held || held.code !== event.keyCode) return;
    this.held = null;
    if (held.timer !== null) this.ports.clearTimer(held.timer);
    const heldMs = Math.max(0, event.timeStamp - held.since);
    if (held.action === "ok" && !held.spent) {
      this.ports.press({ action: "ok", phase: "down", repeat: false, heldMs: 0 });
    }
    this.ports.press({ action: held.action, phase: "up", repeat: false, heldMs });
  }

  /** The window lost the keyboard: no key-up will come. */
  release(): void {
    if (this.held?.timer != null) this.ports.clearTimer(this.held.timer);
    this.held = null;
  }

  private begin(action: Action, event: KeyboardEvent): void {
    this.release();
    const held: Held = { action, code: event.keyCode, since: event.timeStamp, timer: null, spent: true };
    this.held = held;
    if (action !== "ok" || !this.ports.hasLongPress()) return;
    held.spent = false;
    held.timer = this.ports.setTimer(() => {
      held.spent = true;
      this.ports.longPress();
    }, LONG_PRESS_MS);
  }

  private mayMove(at: number): boolean {
    return this.painted && at - this.lastMove >= REPEAT_EVERY_MS;
  }

  private noteMove(at: number): void {
    this.lastMove = at;
    this.painted = false;
    this.ports.afterPaint(() => {
      this.painted = true;
    });
  }
}

/** Keys that a text field needs for itself: everything but up, down, Escape, Enter and a remote's own keys. */
export function belongsToText(event: Pick<KeyboardEvent, "key" | "keyCode" | "target">): boolean {
  const target = event.target;
  if (!(target instanceof HTMLInputElement) || target.readOnly) return false;
  if (target.type !== "text" && target.type !== "search") return false;
  if (event.key === "ArrowLeft") return (target.selectionEnd ?? 0) > 0;
  if (event.key === "ArrowRight") return (target.selectionStart ?? 0) < target.value.length;
  return event.key === "Backspace" || event.key === "Home" || event.key === "End" || event.key.length === 1;
}

/** The space bar presses a button that has the focus; the browser sees to it. */
export function belongsToButton(event: Pick<KeyboardEvent, "key" | "target">): boolean {
  return event.key === " " && event.target instanceof HTMLButtonElement;
}
