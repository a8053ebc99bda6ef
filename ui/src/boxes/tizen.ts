// Samsung Tizen TV: Back ("Return") is 10009; Play/Pause is 10252 and must be registered by the app's manifest to arrive.
// Evidence: Samsung Smart TV developer documentation, "Remote Control", read November 2025.
import { generic } from "./generic";
import type { KeyMap } from "./types";

export const tizen: KeyMap = { id: "tizen", codes: { ...generic.codes, 10009: "back", 10252: "playPause", 10225: "search" } };
