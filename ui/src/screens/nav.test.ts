import { describe, expect, it } from "vitest";
import { createNav, hrefOf, type NavPorts, routeOf } from "./nav";

/** The browser's history, as much of it as a stack needs. */
function browser(hash: string, asBrowser: boolean) {
  const entries: { state: unknown; hash: string }[] = [{ state: null, hash }];
  let at = 0;
  let pop: (state: unknown) => void = () => undefined;
  const ports: NavPorts = {
    browser: asBrowser,
    location: {
      get hash() {
        return entries[at]?.hash ?? "";
      },
    },
    history: {
      get state() {
        return entries[at]?.state;
      },
      pushState(state, _, url) {
        entries.splice(at + 1);
        entries.push({ state, hash: String(url) });
        at += 1;
      },
      replaceState(state, _, url) {
        entries[at] = { state, hash: String(url) };
      },
      back() {
        at -= 1;
        pop(entries[at]?.state);
      },
    },
    onPop: (listener) => (pop = listener),
  };
  return { nav: createNav(ports), entries, hash: () => entries[at]?.hash };
}

describe("addresses", () => {
  it.each(["#/", "#/title/a%20b", "#/play/x", "#/activate/ABCDE-FGHJK", "#/search", "#/settings", "#/profiles"])("%s reads as it is written", (hash) => {
    expect(hrefOf(routeOf(hash))).toBe(hash);
  });

  it.each(["", "#", "#token=x", "#/nowhere", "#/title", "#/title/", "#/activate"])("%s is Home", (hash) => {
    expect(routeOf(hash)).toEqual({ screen: "home" });
  });
});

describe.each([
  ["on a television", false],
  ["in a browser", true],
])("%s", (_, asBrowser) => {
  it("Back closes one level and ends at Home", () => {
    const { nav } = browser("", asBrowser);
    nav.open({ screen: "title", id: "a" });
    nav.open({ screen: "title", id: "b" });
    nav.open({ screen: "play", id: "b" });
    const seen = [];
    while (nav.back()) seen.push(hrefOf(nav.current()));
    expect(seen).toEqual(["#/title/b", "#/title/a", "#/"]);
    expect(nav.returned()).toBe(true);
  });

  it("Back from a deep link ends at Home too", () => {
    const { nav, hash } = browser("#/play/x", asBrowser);
    expect(nav.current()).toEqual({ screen: "play", id: "x" });
    expect([nav.back(), hrefOf(nav.current())]).toEqual([true, "#/title/x"]);
    expect([nav.back(), hrefOf(nav.current()), nav.back()]).toEqual([true, "#/", false]);
    expect(hash()).toBe("#/");
  });

  it("opening the same screen again is nothing", () => {
    const { nav } = browser("", asBrowser);
    nav.open({ screen: "search" });
    nav.open({ screen: "search" });
    expect(nav.stack()).toHaveLength(2);
  });

  it("the next episode takes the place of the last", () => {
    const { nav } = browser("", asBrowser);
    nav.open({ screen: "title", id: "s" });
    nav.open({ screen: "play", id: "e1" });
    nav.replace({ screen: "play", id: "e2" });
    nav.back();
    expect(hrefOf(nav.current())).toBe("#/title/s");
  });
});

it("a television's history does not grow", () => {
  const { nav, entries } = browser("", false);
  for (let at = 0; at < 50; at += 1) nav.open({ screen: "title", id: String(at) });
  expect(entries).toHaveLength(1);
});
