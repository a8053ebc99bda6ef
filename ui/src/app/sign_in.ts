// What this device signs in as, and where it keeps what it was given.

import { createSession, type ScreenSession } from "../api/session";
import type { Words } from "../base/i18n";

export const TV_CLIENT = "matinee-tv";
export const WEB_CLIENT = "matinee-web";

const KEY = "matinee.session.";

export function deviceSession(tv: boolean, send: typeof fetch): ScreenSession {
  const clientId = tv ? TV_CLIENT : WEB_CLIENT;
  const key = KEY + clientId; // one browser may show both
  let memory: string | null = null;
  let last: Promise<unknown> = Promise.resolve();
  return createSession({
    clientId,
    fetch: send,
    now: () => Date.now(),
    read() {
      try {
        return window.localStorage.getItem(key);
      } catch {
        return memory; // storage is refused here: it lasts as long as the page
      }
    },
    write(value) {
      memory = value;
      try {
        if (value === null) window.localStorage.removeItem(key);
        else window.localStorage.setItem(key, value);
      } catch {
        // Kept in memory only.
      }
    },
    alone(run) {
      // Where a browser has no locks (old televisions), there is one page anyway.
      const locks = (navigator as Partial<Pick<Navigator, "locks">>).locks;
      // A promise in a promise is one promise, which its type does not say.
      if (locks) return locks.request(key, run) as unknown as ReturnType<typeof run>;
      const mine = last.then(run, run);
      last = mine.catch(() => undefined);
      return mine;
    },
  });
}

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/Web0S|webOS/i, "webOS"],
  [/Tizen/i, "Tizen"],
  [/HbbTV/i, "HbbTV"],
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Macintosh/, "Mac"],
  [/Linux/, "Linux"],
];

/** What this device is called where somebody approves it: "Television (webOS)". */
export function deviceLabel(words: Words, tv: boolean, userAgent: string): string {
  const kind = KINDS.find(([pattern]) => pattern.test(userAgent))?.[1];
  const name = words.t(tv ? "signIn.television" : "signIn.browser");
  return kind === undefined ? name : `${name} (${kind})`;
}
