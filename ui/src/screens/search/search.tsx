// Search. Results come as one types: a rest of 160 ms asks, a newer letter gives up the older question, and the last
// results stay until the next ones are there. A television brings its own keyboard; elsewhere one types.

import { createEffect, createMemo, createSignal, For, type JSX, on, onCleanup, Show } from "solid-js";
import type { SearchAnswer, Tile } from "../../api/types";
import type { Press } from "../../base/actions";
import { bindZone, Layer, useFocus, useLayerId, useZone, useZones } from "../../focus/solid";
import { createRendered } from "../after_paint";
import { useSeat } from "../context";
import { rowsOf } from "../home/home";
import { createLive } from "../live";
import { Card } from "../parts/card";
import { Icon } from "../parts/icons";
import { Menu } from "../parts/menu";
import { type Key, LAYOUTS, QUERY_MAX, TOOLS, typed } from "./layouts";

const REST_MS = 160;
const LIMIT = 48;
const COLUMNS = 4;
/** In rem: from one line of posters to the next. */
const LINE_PITCH = 23.5;

// What was searched last stays for the way back from a title's page.
const [query, setQuery] = createSignal("");

export function forgetQuery(): void {
  setQuery("");
}

export default function SearchScreen(props: { restore: boolean }): JSX.Element {
  const seat = useSeat();
  if (!props.restore) forgetQuery();
  const [asked, setAsked] = createSignal(query().trim());
  createEffect(
    on(
      query,
      (text) => {
        const timer = setTimeout(() => setAsked(text.trim()), text.trim() === "" ? 0 : REST_MS);
        onCleanup(() => clearTimeout(timer));
      },
      { defer: true },
    ),
  );
  const answer = createLive<SearchAnswer>({
    key: () => asked() || null,
    load: (words, signal) => seat.client.search(words, seat.profile().id, LIMIT, { signal }),
    connection: seat.connection,
    keepOld: true,
  });
  const start = createMemo((): readonly Tile[] => {
    const rows = rowsOf(seat.home.value());
    return (rows.find((row) => row.kind === "new") ?? rows[0])?.items.slice(0, 12) ?? [];
  });
  const results = createMemo((): readonly Tile[] => (asked() === "" ? start() : (answer.value()?.items ?? [])));
  const suggestions = createMemo(() => (asked() === "" ? [] : (answer.value()?.suggestions.slice(0, 4) ?? [])));
  const nothing = (): boolean => asked() !== "" && answer.value()?.items.length === 0 && !answer.loading();
  return (
    <Layer
      id="search"
      label={seat.words().t("search.title")}
      order={seat.kind === "tv" ? ["menu", "keys", "tools", "suggestions"] : ["menu", "field", "suggestions", "results"]}
      initial={seat.kind === "tv" ? "keys" : "field"}
      restore={props.restore}
      onKey={(press) => typeByRemote(press)}
      class="screen search"
    >
      <Menu here="search" />
      <h1 class="unseen">{seat.words().t("search.title")}</h1>
      <div class="search-side">
        <Show when={seat.kind === "tv"} fallback={<Field />}>
          <Asked />
          <Keyboard />
        </Show>
        <Suggestions words={suggestions()} />
      </div>
      <div class="search-main">
        <p class="search-count" role="status">
          <Show when={asked() !== ""} fallback={seat.words().t("search.start")}>
            <Show when={!nothing()} fallback={seat.words().t("search.nothing", { query: asked() })}>
              {seat.words().t("search.count", { n: answer.value()?.items.length ?? 0 })}
            </Show>
          </Show>
        </p>
        <Show when={nothing()}>
          <p class="search-help">{seat.words().t("search.nothingHelp")}</p>
        </Show>
        <Show when={answer.complaint() && !answer.value()}>
          <p class="search-help">{seat.words().t(`error.${answer.complaint() ?? "server"}.help`)}</p>
        </Show>
        <Results items={results()} />
      </div>
    </Layer>
  );

  /** Digits and letters of a remote or a keyboard type at once, wherever the focus is. */
  function typeByRemote(press: Press): boolean {
    if (seat.kind !== "tv" || press.phase !== "down") return false;
    if (press.action === "rewind") {
      setQuery((text) => typed(text, { kind: "erase" }));
      return true;
    }
    return false;
  }
}

function Asked(): JSX.Element {
  const { words } = useSeat();
  return (
    <p class="asked" classList={{ "asked-empty": query() === "" }} dir="auto">
      <Icon name="search" />
      <Show
        when={query()}
        fallback={
          <>
            <span class="caret" />
            <span>{words().t("search.prompt")}</span>
          </>
        }
      >
        <span>{query()}</span>
        <span class="caret" />
      </Show>
    </p>
  );
}

function Field(): JSX.Element {
  const { words } = useSeat();
  const zone = useZone({ id: "field", shape: { kind: "row" }, count: () => 1 });
  return (
    <label class="field">
      <Icon name="search" />
      <span class="unseen">{words().t("search.title")}</span>
      <input
        {...zone.item(0)}
        type="search"
        enterkeyhint="search"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        maxlength={QUERY_MAX}
        placeholder={words().t("search.prompt")}
        value={query()}
        onInput={(event) => setQuery(event.currentTarget.value)}
      />
      <Show when={query() !== ""}>
        <button
          type="button"
          class="field-clear"
          tabindex="-1"
          aria-label={words().t("search.clear")}
          onClick={() => setQuery("")}
        >
          <Icon name="clear" />
        </button>
      </Show>
    </label>
  );
}

function Keyboard(): JSX.Element {
  const seat = useSeat();
  const layer = useLayerId();
  const layout = createMemo(() => LAYOUTS[seat.layout()]);
  const press = (key: Key | undefined): void => {
    if (!key) return;
    if (key.kind === "layout") seat.setLayout(seat.layout() === "azerty" ? "alphabet" : "azerty");
    else setQuery((text) => typed(text, key));
  };
  const right = { right: "results" } as const;
  useZones(
    layer,
    createMemo(() => [
      {
        id: "keys",
        shape: { kind: "grid" as const, columns: layout().columns },
        count: layout().keys.length,
        exits: right,
        onPress: (index: number) => press(layout().keys[index]),
      },
      {
        id: "tools",
        shape: { kind: "row" as const },
        count: TOOLS.length,
        exits: right,
        onPress: (index: number) => press(TOOLS[index]),
        // Erase held: everything goes.
        longPress: { has: (index: number) => TOOLS[index]?.kind === "erase", run: () => press({ kind: "clear" }) },
      },
    ]),
  );
  const keys = bindZone("keys");
  const tools = bindZone("tools");
  const toolName = (key: Key): string => {
    const { t } = seat.words();
    if (key.kind === "space") return t("search.space");
    if (key.kind === "erase") return t("search.erase");
    if (key.kind === "clear") return t("search.clear");
    return t(seat.layout() === "azerty" ? "search.layoutAlphabet" : "search.layoutAzerty");
  };
  return (
    <div class="keyboard" role="group" aria-label={seat.words().t("search.keyboard")}>
      <div class="keys" style={{ "--columns": String(layout().columns) }}>
        <For each={layout().keys}>
          {(key, index) => (
            <button type="button" {...keys.item(index())} class="key">
              {key.kind === "letter" ? key.text : ""}
            </button>
          )}
        </For>
      </div>
      <div class="keys keys-tools">
        <For each={TOOLS}>
          {(key, index) => (
            <button type="button" {...tools.item(index())} class="key key-tool" aria-label={toolName(key)}>
              {key.kind === "layout" ? toolName(key) : <Icon name={key.kind === "letter" ? "space" : key.kind} />}
            </button>
          )}
        </For>
      </div>
    </div>
  );
}

function Suggestions(props: { words: readonly string[] }): JSX.Element {
  const seat = useSeat();
  const focus = useFocus();
  const layer = useLayerId();
  const zone = useZone({
    id: "suggestions",
    shape: seat.kind === "tv" ? { kind: "column" } : { kind: "row" },
    count: () => props.words.length,
    exits: { right: "results" },
    entry: "first",
    onPress: (index) => {
      const word = props.words[index];
      if (word === undefined) return;
      setQuery(word);
      focus.index.claim(layer, "results", 0);
    },
  });
  return (
    <Show when={props.words.length > 0}>
      <ul class="suggestions" aria-label={seat.words().t("search.suggestions")}>
        <For each={props.words}>
          {(word, index) => (
            <li>
              <button type="button" {...zone.item(index())} class="suggestion" dir="auto">
                {word}
              </button>
            </li>
          )}
        </For>
      </ul>
    </Show>
  );
}

function Results(props: { items: readonly Tile[] }): JSX.Element {
  const seat = useSeat();
  const layer = useLayerId();
  const tv = seat.kind === "tv";
  // In a browser the number of columns is CSS's to choose: it is read when the list or the window changes, never at a key.
  let list: HTMLUListElement | undefined;
  const [gridColumns, setGridColumns] = createSignal(1);
  if (!tv) {
    const observer = new ResizeObserver(() => {
      if (list) setGridColumns(getComputedStyle(list).gridTemplateColumns.split(" ").length);
    });
    createEffect(() => list && observer.observe(list));
    onCleanup(() => observer.disconnect());
  }
  useZones(
    layer,
    createMemo(() => [
      {
        id: "results",
        shape: { kind: "grid" as const, columns: tv ? COLUMNS : gridColumns() },
        count: props.items.length,
        exits: tv ? { left: "keys", up: "menu" } : {},
        onPress: (index: number) => {
          const tile = props.items[index];
          if (tile) seat.nav.open({ screen: "title", id: tile.series?.id ?? tile.id });
        },
      },
    ]),
  );
  const zone = bindZone("results");
  const line = (): number => Math.floor(zone.current() / COLUMNS);
  const shown = createRendered(
    () =>
      tv
        ? { from: Math.max(0, (line() - 1) * COLUMNS), to: Math.min(props.items.length, (line() + 4) * COLUMNS) }
        : { from: 0, to: props.items.length },
    zone.current,
  );
  return (
    <ul
      class="results"
      ref={list}
      aria-label={seat.words().t("search.results")}
      style={tv ? { transform: `translate3d(0,${-line() * LINE_PITCH}rem,0)` } : {}}
    >
      <For each={shown()}>
        {(index) => (
          <Show when={props.items[index]}>
            {(tile) => (
              <Card
                tile={tile()}
                shape="poster"
                item={zone.item(index)}
                position={index}
                of={props.items.length}
                lazy={!tv}
                {...(tv
                  ? {
                      style: {
                        left: `${(index % COLUMNS) * 16.25}rem`,
                        top: `${Math.floor(index / COLUMNS) * LINE_PITCH}rem`,
                      },
                    }
                  : {})}
              />
            )}
          </Show>
        )}
      </For>
    </ul>
  );
}
