// The seam between what starts the app and the app. On a box the launcher starts a release; on web and phone the page does.
// The launcher sets `window.matineeShell` before it loads the entry; where nothing is set, the app runs by itself.

export interface Shell {
  /** Which seat this is: television (remote control), or a browser (pointer, touch, keyboard). */
  readonly seat: "tv" | "web";
  /** The bearer token of this box or viewer; null when it has none yet. */
  readonly token: string | null;
  /** The release that runs. */
  readonly version: string;
  /** Called once, when the first screen has been painted and answers keys: the launcher then confirms the release. */
  started(): void;
  /** Called when the token was refused, so that the shell forgets it. */
  tokenRefused(): void;
}

declare global {
  interface Window {
    matineeShell?: Shell;
  }
}

/** Key in localStorage of the token on web and phone; the launcher keeps a box's token in its own store. */
export const TOKEN_KEY = "matinee.token";

/** `#token=...` is taken once, kept, and cleaned from the address; any other fragment is left for the router. */
export function takeTokenFromAddress(location: Location, history: History): string | null {
  const found = /^#token=([A-Za-z0-9_-]+)(?:&(.*))?$/.exec(location.hash);
  if (!found) return null;
  history.replaceState(null, "", location.pathname + location.search + (found[2] ? `#${found[2]}` : ""));
  return found[1] ?? null;
}
