// LG webOS TV: Back is 461, as on HbbTV; the pointer remote also sends arrows. Evidence: webOS TV developer documentation,
// "Back Button" and "Magic Remote", read November 2025.
import { generic } from "./generic";
import type { KeyMap } from "./types";

export const webos: KeyMap = { id: "webos", codes: { ...generic.codes, 461: "back" } };
