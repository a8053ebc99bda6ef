// What nearly every remote sends: the arrows and OK of a keyboard, and the media keys that CE-HTML (CEA-2014, "VK_" codes)
// gave to televisions and HbbTV kept. Evidence: HbbTV 2.0.3 (ETSI TS 102 796 v1.6.1, 2021), annex A, read November 2025.
import type { KeyMap } from "./types";

export const generic: KeyMap = {
  id: "generic",
  codes: {
    37: "left",
    38: "up",
    39: "right",
    40: "down",
    13: "ok",
    8: "back",
    27: "back",
    461: "back",
    415: "play",
    19: "pause",
    179: "playPause",
    503: "playPause",
    413: "stop",
    417: "forward",
    412: "rewind",
    403: "red",
    404: "green",
    405: "yellow",
    406: "blue",
    460: "subtitles",
  },
};
