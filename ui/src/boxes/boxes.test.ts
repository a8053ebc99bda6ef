import { describe, expect, it } from "vitest";
import type { Action } from "../base/actions";
import { desktop } from "./desktop";
import { actionOf, keyMapFor } from "./detect";
import { generic } from "./generic";
import { hbbtv } from "./hbbtv";
import { tizen } from "./tizen";
import { webos } from "./webos";

const MAPS = [generic, webos, tizen, hbbtv, desktop];

describe("which box it is", () => {
  it.each([
    ["Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36", "tizen"],
    ["Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/79", "webos"],
    ["Mozilla/5.0 (Linux; HbbTV/1.6.1 (+DRM;Vendor;Model;1.0;;)) AppleWebKit", "hbbtv"],
    ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/143", "desktop"],
    ["", "desktop"],
  ])("%s", (userAgent, id) => {
    expect(keyMapFor(userAgent).id).toBe(id);
  });
});

describe.each(MAPS)("the keys of $id", (map) => {
  const code = (keyCode: number): Action | null => actionOf(map, { key: "", keyCode });

  it("move, press and play", () => {
    expect([37, 38, 39, 40, 13, 415, 19].map(code)).toEqual(["left", "up", "right", "down", "ok", "play", "pause"]);
    expect([417, 412, 413, 403, 406].map(code)).toEqual(["forward", "rewind", "stop", "red", "blue"]);
  });

  it("have a way back", () => {
    expect(code(map.id === "tizen" ? 10009 : 461)).toBe("back");
  });
});

describe("what differs", () => {
  it.each([
    ["HbbTV has no Escape", hbbtv, 27, null],
    ["Tizen's play/pause", tizen, 10252, "playPause"],
    ["a keyboard's space bar", desktop, 32, "playPause"],
    ["a keyboard's Escape", desktop, 27, "back"],
    ["a key that means nothing", generic, 9, null],
  ] as const)("%s", (_, map, keyCode, action) => {
    expect(actionOf(map, { key: "", keyCode })).toBe(action);
  });

  it("prefers the key's name where there is one", () => {
    expect(actionOf(desktop, { key: "MediaPlayPause", keyCode: 0 })).toBe("playPause");
  });
});
