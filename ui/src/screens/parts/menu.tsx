// The menu: a line at the top of a television or a desktop, a bar of four at the bottom of a phone. One zone in both.

import { For, type JSX, Show } from "solid-js";
import type { Ingest } from "../../api/types";
import type { MessageKey } from "../../base/messages";
import { useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { hrefOf, type Route } from "../nav";
import { Avatar } from "./avatars";
import { Icon, type IconName, Wordmark } from "./icons";

const ENTRIES: readonly { route: Route; icon: IconName; name: MessageKey }[] = [
  { route: { screen: "home" }, icon: "home", name: "nav.home" },
  { route: { screen: "search" }, icon: "search", name: "nav.search" },
  { route: { screen: "settings" }, icon: "settings", name: "nav.settings" },
];

export function Menu(props: { here: Route["screen"] }): JSX.Element {
  const { words, nav, profile } = useSeat();
  // Children have no settings: whatever is set there is the grown-ups' to set.
  const entries = (): typeof ENTRIES => (profile().kids ? ENTRIES.filter(({ route }) => route.screen !== "settings") : ENTRIES);
  const go = (index: number): void => {
    const route = entries()[index]?.route ?? { screen: "profiles" };
    if (route.screen === "home") nav.home();
    else if (nav.current().screen === "home") nav.open(route);
    else if (nav.current().screen !== route.screen) nav.replace(route);
  };
  const zone = useZone({
    id: "menu",
    shape: { kind: "row" },
    count: () => entries().length + 1,
    start: Math.max(0, entries().findIndex((entry) => entry.route.screen === props.here)),
    onPress: go,
  });
  return (
    <div class="menu">
      <Wordmark />
      <nav aria-label={words().t("nav.main")}>
        <ul>
          <For each={entries()}>
            {(entry, index) => (
              <li>
                <a
                  {...zone.item(index())}
                  class="menu-entry"
                  href={hrefOf(entry.route)}
                  aria-current={props.here === entry.route.screen ? "page" : undefined}
                >
                  <Icon name={entry.icon} />
                  <span>{words().t(entry.name)}</span>
                </a>
              </li>
            )}
          </For>
          <li class="menu-profile">
            <a
              {...zone.item(entries().length)}
              class="menu-entry"
              href={hrefOf({ screen: "profiles" })}
              aria-label={words().t("nav.profile", { name: profile().name })}
              aria-current={props.here === "profiles" ? "page" : undefined}
            >
              <Avatar name={profile().name} color={profile().color} avatar={profile().avatar} />
              <span aria-hidden="true">{profile().name}</span>
            </a>
          </li>
        </ul>
      </nav>
      <MakingMore />
    </div>
  );
}

/** While Home already holds films: how far the next one is, in one line. */
function MakingMore(): JSX.Element {
  const { words, status, home } = useSeat();
  const ingests = (): readonly Ingest[] => (home.value()?.rows.length ? (status()?.ingests ?? []) : []);
  const furthest = (): number => Math.max(0, ...ingests().map((ingest) => ingest.fraction));
  return (
    <Show when={ingests().length > 0}>
      <p class="making-more">
        <span class="making-ring" style={{ "--part": String(Math.round(furthest() * 100)) }} aria-hidden="true" />
        {words().t("status.making", { n: ingests().length })}
      </p>
    </Show>
  );
}
