// A keyboard before a browser, and the developer's stand-in for a remote. Space pauses a film (in a text field it stays a
// space: focus/keyboard.ts sees to that), J and L seek as editors' keyboards do. Media keys come by name in today's browsers
// (UI Events KeyboardEvent key Values, W3C 2025). Tried in Chromium, November 2025.
import { generic } from "./generic";
import type { KeyMap } from "./types";

export const desktop: KeyMap = {
  id: "desktop",
  codes: { ...generic.codes, 10009: "back", 32: "playPause", 75: "playPause", 74: "rewind", 76: "forward", 67: "subtitles" },
  names: {
    MediaPlay: "play",
    MediaPause: "pause",
    MediaPlayPause: "playPause",
    MediaStop: "stop",
    MediaFastForward: "forward",
    MediaRewind: "rewind",
    MediaTrackNext: "forward",
    MediaTrackPrevious: "rewind",
    GoBack: "back",
    BrowserBack: "back",
    "/": "search",
  },
};
