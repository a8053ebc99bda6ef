// Which screens lie on each other. Back closes one level and ends at Home, also where a deep link opened in the middle.
//
// A television keeps the stack in memory and only mirrors where it is in the address, so that a restart returns there. In a
// browser the stack is the browser's own history, so that its Back button, gestures and links do what people expect.

import { type Accessor, createSignal } from "solid-js";
import type { Id } from "../api/types";

export type Route =
  | { readonly screen: "home" }
  | { readonly screen: "title"; readonly id: Id }
  | { readonly screen: "play"; readonly id: Id; readonly fromStart?: boolean }
  | { readonly screen: "activate"; readonly id: Id }
  | { readonly screen: "search" }
  | { readonly screen: "settings" }
  | { readonly screen: OfTheHousehold }
  | { readonly screen: "profiles" };

/** What lies under the settings. */
export type OfTheHousehold = "devices" | "plan" | "voucher" | "invoices";

export interface Nav {
  readonly stack: Accessor<readonly Route[]>;
  readonly current: Accessor<Route>;
  /** The current screen was come back to: its focus returns to where it was. */
  readonly returned: Accessor<boolean>;
  open(route: Route): void;
  /** Put this one in the place of the current one. */
  replace(route: Route): void;
  /** False at Home, where nothing is left to close. */
  back(): boolean;
  home(): void;
}

export const HOME: Route = { screen: "home" };

export function hrefOf(route: Route): string {
  if (route.screen === "home") return "#/";
  if (route.screen === "title") return `#/title/${encodeURIComponent(route.id)}`;
  if (route.screen === "play" || route.screen === "activate") return `#/${route.screen}/${encodeURIComponent(route.id)}`;
  return `#/${route.screen}`;
}

/** Anything unknown is Home: an address is typed by people and kept for years. */
export function routeOf(hash: string): Route {
  const [, screen = "", id = ""] = /^#\/([a-z]*)(?:\/([^/?#]+))?/.exec(hash) ?? [];
  if ((screen === "title" || screen === "play" || screen === "activate") && id) return { screen, id: decode(id) };
  if (screen === "search" || screen === "settings" || screen === "profiles") return { screen };
  return isOfTheHousehold(screen) ? { screen } : HOME;
}

/** The levels under a route that was opened by its address alone. */
export function stackFor(route: Route): Route[] {
  if (route.screen === "home") return [HOME];
  if (route.screen === "play") return [HOME, { screen: "title", id: route.id }, route];
  if (route.screen === "voucher" || route.screen === "invoices") return [HOME, { screen: "settings" }, { screen: "plan" }, route];
  if (isOfTheHousehold(route.screen)) return [HOME, { screen: "settings" }, route];
  return [HOME, route];
}

function isOfTheHousehold(screen: string): screen is OfTheHousehold {
  return screen === "devices" || screen === "plan" || screen === "voucher" || screen === "invoices";
}

export interface NavPorts {
  readonly location: Pick<Location, "hash">;
  readonly history: Pick<History, "pushState" | "replaceState" | "back" | "state">;
  /** The browser's history is the stack (web, phone), or only its mirror (television). */
  readonly browser: boolean;
  onPop(listener: (state: unknown) => void): void;
}

interface Kept {
  readonly stack: readonly Route[];
  /** How many entries of the browser's history before this one are ours. */
  readonly depth: number;
}

export function createNav(ports: NavPorts): Nav {
  const kept = ports.browser ? keptOf(ports.history.state) : null;
  const [stack, setStack] = createSignal<readonly Route[]>(kept?.stack ?? stackFor(routeOf(ports.location.hash)));
  const [returned, setReturned] = createSignal(false);
  let depth = kept?.depth ?? 0;
  mirror("replaceState");

  function mirror(how: "pushState" | "replaceState"): void {
    const state: Kept = { stack: stack(), depth };
    ports.history[ports.browser ? how : "replaceState"](state, "", hrefOf(top(stack())));
  }

  function show(next: readonly Route[], back: boolean): void {
    setReturned(back);
    setStack(next);
  }

  ports.onPop((state) => {
    if (!ports.browser) return;
    const next = keptOf(state);
    const before = stack().length;
    depth = next?.depth ?? 0;
    const routes = next?.stack ?? stackFor(routeOf(ports.location.hash));
    show(routes, routes.length < before);
    if (!next) mirror("replaceState");
  });

  const nav: Nav = {
    stack,
    current: () => top(stack()),
    returned,
    open(route) {
      if (hrefOf(route) === hrefOf(top(stack()))) return;
      show([...stack(), route], false);
      depth += 1;
      mirror("pushState");
    },
    replace(route) {
      show([...stack().slice(0, -1), route], false);
      mirror("replaceState");
    },
    back() {
      if (stack().length <= 1) return false;
      if (ports.browser && depth > 0) {
        ports.history.back();
        return true;
      }
      show(stack().slice(0, -1), true);
      mirror("replaceState");
      return true;
    },
    home() {
      if (top(stack()).screen === "home") return;
      show([HOME], true);
      depth += 1;
      mirror("pushState");
    },
  };
  return nav;
}

function top(stack: readonly Route[]): Route {
  return stack[stack.length - 1] ?? HOME;
}

function keptOf(state: unknown): Kept | null {
  if (typeof state !== "object" || state === null || !("stack" in state) || !("depth" in state)) return null;
  return Array.isArray(state.stack) && typeof state.depth === "number" ? (state as Kept) : null;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
