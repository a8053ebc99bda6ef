// What a person can mean with a remote or a keyboard. Every box's key codes are translated to these once, at the door.

export type Direction = "up" | "down" | "left" | "right";

export type Action =
  | Direction
  | "ok"
  | "back"
  | "play"
  | "pause"
  | "playPause"
  | "stop"
  | "forward"
  | "rewind"
  | "red"
  | "green"
  | "yellow"
  | "blue"
  | "search"
  | "subtitles";

export const DIRECTIONS: readonly Direction[] = ["up", "down", "left", "right"];

export function isDirection(action: Action): action is Direction {
  return action === "up" || action === "down" || action === "left" || action === "right";
}

/** One step of a key: it went down, repeats while held, or came up. */
export interface Press {
  readonly action: Action;
  readonly phase: "down" | "up";
  /** The key is held, and this is one of its repeats. */
  readonly repeat: boolean;
  /** How long the key has been down, in milliseconds of the event's own clock. */
  readonly heldMs: number;
}
