// HbbTV terminals: VK_BACK is 461, and no key of the remote is Escape or Backspace. Evidence: HbbTV 2.0.3, annex A; read
// November 2025. They also announce themselves in the user agent ("HbbTV/1.6.1").
import { generic } from "./generic";
import type { KeyMap } from "./types";

const { 8: _backspace, 27: _escape, ...codes } = generic.codes;

export const hbbtv: KeyMap = { id: "hbbtv", codes };
