import type { Action } from "../base/actions";

/** The keys of one kind of box, as data. Codes are `KeyboardEvent.keyCode`: remotes have no other name for most of theirs. */
export interface KeyMap {
  readonly id: "generic" | "webos" | "tizen" | "hbbtv" | "desktop";
  readonly codes: Readonly<Record<number, Action>>;
  /** Consulted first, where the browser names the key. */
  readonly names?: Readonly<Record<string, Action>>;
}
