// Which box this is, told by its user agent once at the start. An unknown one gets the desktop's keys, which hold
// the generic ones and every other Back: a wrong guess must never leave a viewer without a way back.

import type { Action } from "../base/actions";
import { desktop } from "./desktop";
import { hbbtv } from "./hbbtv";
import { tizen } from "./tizen";
import type { KeyMap } from "./types";
import { webos } from "./webos";

const SIGNS: readonly (readonly [RegExp, KeyMap])[] = [
  [/\bTizen\b/i, tizen],
  [/\bWeb0S\b|\bwebOS\b/i, webos],
  [/\bHbbTV\//i, hbbtv],
];

export function keyMapFor(userAgent: string): KeyMap {
  return SIGNS.find(([sign]) => sign.test(userAgent))?.[1] ?? desktop;
}

export function actionOf(map: KeyMap, event: Pick<KeyboardEvent, "key" | "keyCode">): Action | null {
  return map.names?.[event.key] ?? map.codes[event.keyCode] ?? null;
}
