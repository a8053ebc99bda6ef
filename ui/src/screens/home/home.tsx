// Home. On a television the focused row stays at one height and the rows move past it; what is focused is told large above.
// In a browser the page scrolls, opened by one title that can be played at once.

import { type Accessor, createEffect, createMemo, createSignal, For, type JSX, Match, on, Show, Switch } from "solid-js";
import type { Home, Row, Tile } from "../../api/types";
import type { Press } from "../../base/actions";
import { Layer, useFocus, useLayerId, useZone, useZones } from "../../focus/solid";
import { createRendered } from "../after_paint";
import { type Seat, useSeat } from "../context";
import type { CardShape } from "../parts/card";
import { isElsewhere } from "../parts/facts";
import { Icon } from "../parts/icons";
import { Menu } from "../parts/menu";
import { ComplaintNotice, Making, Notice } from "../parts/notice";
import { planFor } from "../parts/plan";
import { rowTitle, Shelf } from "../parts/shelf";
import { AnnouncedLines } from "./announced";
import { Backdrop, Billboard, createSettled } from "./billboard";

/** In rem: from one row's top to the next. */
const ROW_PITCH = 21.25;
const LAYER = "home";

export function zoneOf(row: Row): string {
  return `row:${row.id}`;
}

/** Rows without a title are left out: an empty row is no row. */
export function rowsOf(home: Home | undefined): readonly Row[] {
  return home?.rows.filter((row) => row.items.length > 0) ?? [];
}

/** The rows as they came with Home, each grown by the pages that were fetched when its end came near. */
function createRows(seat: Seat): { rows: Accessor<readonly Row[]>; more(row: Row): void } {
  interface Rest {
    readonly items: readonly Tile[];
    readonly cursor: string | null;
    readonly state: "idle" | "busy" | "done";
  }
  const [rests, setRests] = createSignal<Readonly<Record<string, Rest>>>({});
  createEffect(on(() => seat.profile().id, () => setRests({}), { defer: true }));
  const rows = createMemo(() =>
    rowsOf(seat.home.value()).map((row) => {
      const rest = rests()[row.id];
      if (!rest || rest.items.length === 0) return row;
      const shown = new Set(row.items.map((tile) => tile.id));
      return { ...row, items: [...row.items, ...rest.items.filter((tile) => !shown.has(tile.id))] };
    }),
  );
  async function fetchMore(row: Row): Promise<void> {
    const now = rests()[row.id] ?? { items: [], cursor: null, state: "idle" };
    if (!row.more || now.state !== "idle") return;
    const put = (rest: Rest): void => void setRests((all) => ({ ...all, [row.id]: rest }));
    put({ ...now, state: "busy" });
    try {
      const page = await seat.client.row(row.id, seat.profile().id, now.cursor, 60);
      const items = [...now.items, ...page.items];
      put({ items, cursor: page.next_cursor, state: page.next_cursor === null ? "done" : "idle" });
    } catch {
      // The row keeps what it has; the next step towards its end asks again.
      put(now);
    }
  }
  return { rows, more: (row) => void fetchMore(row) };
}

export default function HomeScreen(props: { covered: boolean }): JSX.Element {
  const seat = useSeat();
  const { rows, more } = createRows(seat);
  const order = (): string[] =>
    seat.kind === "tv"
      ? ["menu", "notice", ...rows().map(zoneOf)]
      : ["menu", "notice", "featured", ...rows().map(zoneOf)];
  const [focused, setFocused] = createSignal<Tile | undefined>();
  const initial = (): string => {
    const first = rows()[0];
    if (!first) return "notice";
    return seat.kind === "tv" ? zoneOf(first) : "featured";
  };
  const focus = useFocus();

  function key(press: Press): boolean {
    if (press.phase !== "down" || press.repeat) return false;
    const tile = focused();
    const inRow = focus.owner().zone?.startsWith("row:") ?? false;
    if ((press.action === "play" || press.action === "playPause") && inRow && tile && tile.kind !== "series") {
      // What lies with a partner is opened from its page, which tells by which way; and whom to ask for a plan.
      const byPage = isElsewhere(tile) || planFor(seat.home.value(), tile) !== null;
      seat.nav.open(byPage ? { screen: "title", id: tile.series?.id ?? tile.id } : { screen: "play", id: tile.id });
      return true;
    }
    if (press.action === "search") {
      seat.nav.open({ screen: "search" });
      return true;
    }
    return false;
  }

  /** Back first returns to the start of the row, then to the first row. */
  function back(): boolean {
    const owner = focus.owner();
    const first = rows()[0];
    if (!first || owner.zone === null) return false;
    if (owner.zone !== zoneOf(first) || owner.index > 0) {
      focus.index.claim(LAYER, zoneOf(first), 0);
      return true;
    }
    return false;
  }

  return (
    <Layer
      id={LAYER}
      label={seat.words().t("nav.home")}
      order={order()}
      initial={initial()}
      onKey={key}
      onBack={back}
      class={`screen home ${props.covered ? "screen-covered" : ""}`}
    >
      <Menu here="home" />
      <AnnouncedLines />
      <RowZones rows={rows()} />
      <Switch fallback={<Waiting />}>
        <Match when={rows().length > 0 && seat.kind === "tv"}>
          <TvHome rows={rows()} focused={focused()} onFocus={setFocused} onNearEnd={more} />
        </Match>
        <Match when={rows().length > 0}>
          <WebHome rows={rows()} onFocus={setFocused} onNearEnd={more} />
        </Match>
        <Match when={seat.home.complaint()}>
          {(complaint) => <ComplaintNotice complaint={complaint()} retry={() => seat.home.refresh()} />}
        </Match>
        <Match when={seat.home.value()}>
          <NothingYet />
        </Match>
      </Switch>
    </Layer>
  );
}

/** Every row can be moved to, drawn or not. */
function RowZones(props: { rows: readonly Row[] }): JSX.Element {
  const { nav } = useSeat();
  useZones(
    LAYER,
    createMemo(() =>
      props.rows.map((row) => ({
        id: zoneOf(row),
        shape: { kind: "row" as const },
        count: row.items.length,
        onPress: (index: number) => {
          const tile = row.items[index];
          if (tile) nav.open({ screen: "title", id: tile.series?.id ?? tile.id });
        },
      })),
    ),
  );
  return null;
}

function Waiting(): JSX.Element {
  const { words } = useSeat();
  return (
    <div class="waiting" role="status">
      <span class="unseen">{words().t("loading")}</span>
      <For each={[0, 1, 2, 3, 4]}>{() => <span class="waiting-card" />}</For>
    </div>
  );
}

function NothingYet(): JSX.Element {
  const { words, status, me } = useSeat();
  const making = (): boolean => (status()?.ingests.length ?? 0) > 0;
  return (
    <Show
      when={!me().box?.held}
      fallback={<Notice title={words().t("held.title")} help={words().t("held.help")} />}
    >
      <Notice
        title={words().t(making() ? "status.title" : "empty.title")}
        help={words().t(making() ? "status.help" : "empty.help")}
      >
        <Show when={making()}>
          <Making ingests={status()?.ingests ?? []} />
        </Show>
      </Notice>
    </Show>
  );
}

interface RowsProps {
  rows: readonly Row[];
  onFocus(tile: Tile): void;
  onNearEnd(row: Row): void;
}

function shapeOf(row: Row, compact: boolean): CardShape {
  if (row.kind === "top") return "numbered";
  return compact && row.kind !== "continue" ? "poster" : "tile";
}

function HomeShelf(props: Omit<RowsProps, "rows"> & { row: Row; style?: JSX.CSSProperties; class?: string }): JSX.Element {
  const seat = useSeat();
  return (
    <Shelf
      zone={zoneOf(props.row)}
      title={rowTitle(props.row, seat.words)}
      items={props.row.items}
      shape={shapeOf(props.row, seat.compact())}
      onFocus={props.onFocus}
      onNearEnd={() => props.onNearEnd(props.row)}
      class={props.class}
      style={props.style}
    />
  );
}

function TvHome(props: RowsProps & { focused: Tile | undefined }): JSX.Element {
  const focus = useFocus();
  const layer = useLayerId();
  const positions = createMemo(() => new Map(props.rows.map((row, at) => [zoneOf(row), at])));
  const [at, setAt] = createSignal(0);
  createEffect(() => {
    const owner = focus.owner();
    const known = owner.layer === layer && owner.zone ? positions().get(owner.zone) : undefined;
    if (known !== undefined) setAt(known);
  });
  // All rows are zones at once; only those near the focus exist as elements.
  const shown = createRendered(() => ({ from: Math.max(0, at() - 1), to: Math.min(props.rows.length, at() + 3) }), at);
  // Elements belong to a row, not to a place: a row that comes in between pushes the others down as they are.
  const placeOf = (id: string): number => positions().get(`row:${id}`) ?? -1;
  const drawn = (): string[] => shown().flatMap((place) => props.rows[place]?.id ?? []);
  const settled = createSettled(() => props.focused ?? props.rows[0]?.items[0]);
  return (
    <>
      <Backdrop tile={settled.value()} />
      <Billboard tile={settled.value()} />
      <div class="rows" style={{ transform: `translate3d(0,${-at() * ROW_PITCH}rem,0)` }}>
        <For each={drawn()}>
          {(id) => (
            <Show when={props.rows[placeOf(id)]}>
              {(row) => (
                <HomeShelf
                  row={row()}
                  onFocus={props.onFocus}
                  onNearEnd={props.onNearEnd}
                  class={placeOf(id) < at() ? "shelf-past" : ""}
                  style={{ top: `${placeOf(id) * ROW_PITCH}rem` }}
                />
              )}
            </Show>
          )}
        </For>
      </div>
    </>
  );
}

function WebHome(props: RowsProps): JSX.Element {
  const seat = useSeat();
  const featured = createMemo(() => {
    const row = props.rows.find((candidate) => candidate.kind === "new") ?? props.rows[0];
    return row?.items[0];
  });
  const page = (tile: Tile) => ({ screen: "title", id: tile.series?.id ?? tile.id }) as const;
  const actions = createMemo(() => {
    const tile = featured();
    if (!tile) return [];
    const { t } = seat.words();
    const play = { icon: "play", label: t("title.play"), run: () => seat.nav.open({ screen: "play", id: tile.id }) } as const;
    const more = { icon: "info", label: t("title.more"), run: () => seat.nav.open(page(tile)) } as const;
    // What of a series is played is known by its own page, and so are the ways to what lies with a partner.
    const byPage = tile.kind === "series" || isElsewhere(tile) || planFor(seat.home.value(), tile) !== null;
    return byPage ? [more] : [play, more];
  });
  const zone = useZone({
    id: "featured",
    shape: { kind: "row" },
    count: () => actions().length,
    onPress: (index) => actions()[index]?.run(),
  });
  createEffect(() => {
    const tile = featured();
    const onPlay = zone.within() && actions()[zone.current()]?.icon === "play";
    seat.expectPlay(onPlay && tile ? tile.id : null);
  });
  return (
    <>
      <section class="featured" aria-label={featured()?.name ?? ""}>
        <Backdrop tile={featured()} small={seat.compact()} />
        <Billboard tile={featured()} />
        <div class="buttons">
          <For each={actions()}>
            {(action, index) => (
              <button type="button" {...zone.item(index())} class="button" classList={{ "button-first": index() === 0 }}>
                <Icon name={action.icon} />
                {action.label}
              </button>
            )}
          </For>
        </div>
      </section>
      <For each={props.rows.map((row) => row.id)}>
        {(id) => (
          <Show when={props.rows.find((row) => row.id === id)}>
            {(row) => <HomeShelf row={row()} onFocus={props.onFocus} onNearEnd={props.onNearEnd} />}
          </Show>
        )}
      </For>
    </>
  );
}
