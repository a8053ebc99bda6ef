// Where nothing started the app but its own page (web, phone), the page's shell: the token from the address, once, then
// from this browser's storage.

import { type Shell, takeTokenFromAddress, TOKEN_KEY } from "../base/shell";
import type { Store } from "./storage";

export function pageShell(store: Store, page: Document): Shell {
  const brought = takeTokenFromAddress(location, history);
  if (brought) store.set(TOKEN_KEY, brought);
  return {
    seat: "web",
    token: brought ?? store.get(TOKEN_KEY),
    version: page.querySelector('meta[name="matinee-release"]')?.getAttribute("content") ?? "",
    started: () => undefined,
    tokenRefused: () => store.set(TOKEN_KEY, null),
  };
}
