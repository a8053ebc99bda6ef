// What a key means while a film runs, decided apart from any screen. Null: the focus index moves, presses or closes as
// everywhere else.

import type { Press } from "../../base/actions";

/** Where the focus is: nowhere in particular (the bare film), or on a zone of the player. */
export type Place = "film" | "seek" | "buttons" | "skip" | "next";

export type Intent =
  | { readonly kind: "seek"; readonly direction: -1 | 1 }
  | { readonly kind: "release" | "toggle" | "play" | "pause" | "leave" | "info" | "tracks" | "options" | "nothing" };

const NOTHING: Intent = { kind: "nothing" };
const seek = (direction: -1 | 1): Intent => ({ kind: "seek", direction });

export function intentOf({ action, phase, repeat }: Press, place: Place, barShown: boolean, offerAbove: boolean): Intent | null {
  const seeking = place === "film" || place === "seek" || place === "skip";
  const turns = action === "forward" || action === "rewind" || (seeking && (action === "left" || action === "right"));
  if (phase === "up") return turns ? { kind: "release" } : null;
  if (turns) return seek(action === "left" || action === "rewind" ? -1 : 1);
  // A held key that does not seek acts once.
  const held = (intent: Intent): Intent => (repeat ? NOTHING : intent);
  switch (action) {
    case "play":
      return held({ kind: "play" });
    case "pause":
      return held({ kind: "pause" });
    case "playPause":
      return held({ kind: "toggle" });
    case "stop":
      return held({ kind: "leave" });
    case "subtitles":
      return held({ kind: "tracks" });
    case "ok":
      if (place === "film" || place === "seek") return held({ kind: "toggle" });
      return repeat ? NOTHING : null;
    case "up":
      if (place === "buttons" || (place === "seek" && offerAbove)) return null;
      return held({ kind: "info" });
    case "down":
      return barShown ? null : held({ kind: "options" });
    case "back":
      return repeat ? NOTHING : null;
    default:
      return null;
  }
}
