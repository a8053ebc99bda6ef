// A title's own page: what it is, what OK does, its episodes, its languages, and where to go from here. On a television the
// page is a pile of levels moved by one transform; in a browser it scrolls.

import { createEffect, createMemo, createSignal, For, type JSX, on, onCleanup, Show } from "solid-js";
import type { Episode, Id, Season, Source, Taste, Thumb, Tile, Title, Way } from "../../api/types";
import type { Press } from "../../base/actions";
import type { Words } from "../../base/i18n";
import { bindZone, Layer, useFocus, useLayerId, useZone, useZones } from "../../focus/solid";
import { type Seat, useSeat } from "../context";
import { Backdrop, titleSize } from "../home/billboard";
import { createLive } from "../live";
import { AgeBadge, Facts, isElsewhere, ProgressBar, timeLeft } from "../parts/facts";
import { Icon, type IconName } from "../parts/icons";
import { ComplaintNotice } from "../parts/notice";
import { Picture } from "../parts/picture";
import { PlanPanel } from "../parts/plan";
import { Shelf, SIZES, trackOffset } from "../parts/shelf";
import { Tracks } from "./tracks";

interface ActionItem {
  readonly id: "play" | "restart" | "tracks" | "elsewhere" | "plan" | "list" | "up" | "down";
  readonly icon: IconName;
  readonly label: string;
  /** Of what is on or off: whether it is on. */
  readonly on?: boolean;
  run(): void;
}

/** What OK on Play plays: where the viewer was, else the film, else the first episode. */
export function playTarget(title: Title): { id: string; episode: Episode | null } {
  const episodes = (title.seasons ?? []).flatMap((season) => season.episodes);
  const resumed = title.resume ? episodes.find((episode) => episode.id === title.resume?.title_id) : undefined;
  if (title.kind !== "series") return { id: title.id, episode: null };
  const episode = resumed ?? episodes[0] ?? null;
  return { id: episode?.id ?? title.id, episode };
}

/** Whether OK plays nothing of it until the home has a plan. */
export function needsPlan(title: Title): boolean {
  return !isElsewhere(title) && Boolean(title.needs_plan);
}

/** What the profile thinks of it: what was changed here, else what its page told. */
export function tasteOf(title: Title | undefined, changed: Taste | null): Taste {
  return changed ?? { in_list: title?.in_list ?? false, thumb: title?.thumb ?? null };
}

/** The page is drawn at once from the tile that led here; what only the server knows follows. */
function tileOnHome(seat: Seat, id: string): Tile | undefined {
  for (const row of seat.home.value()?.rows ?? []) {
    const found = row.items.find((tile) => tile.id === id && tile.kind !== "episode");
    if (found) return found;
  }
  return undefined;
}

/** Where a viewer came from to a partner's title: the partner is told, as a box tells it of every title. */
function sourceOf(seat: Seat, id: Id): Source {
  if (seat.nav.stack().some((route) => route.screen === "search")) return "search";
  const row = seat.home.value()?.rows.find((one) => one.kind === "continue");
  return row?.items.some((tile) => tile.id === id || tile.series?.id === id) ? "continue" : "home";
}

/** What OK on one way to a partner's title is called. */
export function wayLabel(way: Way, service: string, words: Words): string {
  const key = way.offer === "rent" ? "title.rentOn" : way.offer === "buy" ? "title.buyOn" : "title.watchOn";
  return words.t(key, { service });
}

export default function TitleScreen(props: { id: string; layer: string; restore: boolean }): JSX.Element {
  const seat = useSeat();
  const focus = useFocus();
  const key = (): string => `${seat.profile().id} ${seat.words().language} ${props.id}`;
  const live = createLive<Title>({
    key,
    load: (_, signal) => seat.client.title(props.id, seat.profile().id, { signal }),
    connection: seat.connection,
    cache: seat.titles,
  });
  const title = live.value;
  const tile = createMemo((): Tile | undefined => title() ?? tileOnHome(seat, props.id));
  const [tracksOpen, setTracksOpen] = createSignal(false);
  // Why a partner's title was not opened, in words; "" where it was, or nobody asked.
  const [elsewhere, setElsewhere] = createSignal("");
  async function openElsewhere(id: Id, service: string, way: number | null): Promise<void> {
    setElsewhere("");
    try {
      const opened = await seat.openElsewhere(id, sourceOf(seat, props.id), way);
      if (opened === "noWay") setElsewhere(seat.words().t("title.noWay", { service }));
    } catch {
      setElsewhere(seat.words().t("title.notOpened", { service }));
    }
  }
  const [taste, setTaste] = createSignal<Taste | null>(null);
  /** Shown at once; what the server says afterwards holds. The row on Home follows. */
  async function change(id: Id, next: Taste): Promise<void> {
    const before = tasteOf(title(), taste());
    setTaste(next);
    const profile = seat.profile().id;
    try {
      const changed =
        next.in_list === before.in_list
          ? await seat.client.setThumb(id, profile, next.thumb)
          : await seat.client.setListed(id, profile, next.in_list);
      setTaste(changed);
      seat.titles.delete(key());
      if (next.in_list !== before.in_list) seat.home.refresh();
    } catch {
      setTaste(before);
    }
  }
  const level = createMemo(() => {
    const zone = focus.owner().layer === props.layer ? focus.owner().zone : null;
    if (zone === "seasons" || zone === "episodes") return "episodes";
    return zone === "similar" || zone === "about" ? zone : "actions";
  }, "actions");
  // A dialog above leaves the page where it is.
  const [shownLevel, setShownLevel] = createSignal("actions");
  createEffect(() => {
    const next = level();
    if (focus.owner().layer === props.layer) setShownLevel(next);
  });

  /** What would play leads to what is said in the place of Play. */
  const toPlan = (): void => void focus.index.claim(props.layer, "actions", 0);

  function onKey(press: Press): boolean {
    const now = title();
    if (!now || press.phase !== "down" || press.repeat) return false;
    if ((press.action === "play" || press.action === "playPause") && isElsewhere(now)) {
      const { id } = playTarget(now);
      void openElsewhere(id, now.service_name ?? "", null);
      return true;
    }
    if ((press.action === "play" || press.action === "playPause") && needsPlan(now)) {
      toPlan();
      return true;
    }
    if (press.action === "play" || press.action === "playPause") {
      seat.nav.open({ screen: "play", id: playTarget(now).id });
      return true;
    }
    if (press.action === "subtitles") {
      setTracksOpen(true);
      return true;
    }
    return false;
  }

  return (
    <>
      <Layer
        id={props.layer}
        label={tile()?.name ?? seat.words().t("title.loading")}
        order={["back", "actions", "notice", "seasons", "episodes", "similar", "about"]}
        initial="actions"
        restore={props.restore}
        onKey={onKey}
        class={`screen title title-at-${shownLevel()}`}
      >
        <Backdrop tile={tile()} small={seat.compact()} />
        <Show when={seat.kind === "web"}>
          <BackButton />
        </Show>
        <div class={`pile pile-${shownLevel()} ${(title()?.seasons?.length ?? 0) > 0 ? "pile-series" : ""}`}>
          <Show when={tile()} fallback={<Loading complaint={live.complaint() !== null} />}>
            {(known) => (
              <section class="hero">
                <h1 class={`display display-${titleSize(known().name)}`} dir="auto">
                  {known().name}
                </h1>
                <Facts tile={known()} more={factsOf(title(), seat)} genres={3} />
                <p class="synopsis" dir="auto">
                  {title()?.synopsis ?? known().synopsis_short}
                </p>
                <Show when={title()}>{(full) => <People title={full()} />}</Show>
                <Show when={title()}>
                  {(full) => (
                    <Actions
                      title={full()}
                      openTracks={() => setTracksOpen(true)}
                      openElsewhere={openElsewhere}
                      checkPlan={() => {
                        seat.checkPlans();
                        live.refresh();
                      }}
                      checking={live.loading()}
                      taste={tasteOf(full(), taste())}
                      onTaste={(next) => void change(full().id, next)}
                    />
                  )}
                </Show>
                <p class="elsewhere" role="status">
                  {elsewhere()}
                </p>
                <Show when={!title() && live.complaint()}>
                  {(complaint) => <ComplaintNotice complaint={complaint()} retry={() => live.refresh()} inline />}
                </Show>
              </section>
            )}
          </Show>
          <Show when={!tile() && live.complaint()}>
            {(complaint) => <ComplaintNotice complaint={complaint()} retry={() => live.refresh()} />}
          </Show>
          <Show when={title()}>
            {(full) => (
              <>
                <Show when={(full().seasons?.length ?? 0) > 0}>
                  <Seasons title={full()} seasons={full().seasons ?? []} openElsewhere={openElsewhere} toPlan={toPlan} />
                </Show>
                <Similar items={full().similar} />
                <About title={full()} />
              </>
            )}
          </Show>
        </div>
      </Layer>
      <Show when={tracksOpen() && title()}>
        {(full) => <Tracks title={full()} onClose={() => setTracksOpen(false)} />}
      </Show>
    </>
  );
}

function factsOf(title: Title | undefined, seat: Seat): string[] {
  if (!title) return [];
  const { t } = seat.words();
  const facts: string[] = [];
  const subscriptions = new Set((title.ways ?? []).map((way) => way.subscription).filter(Boolean));
  for (const subscription of subscriptions) facts.push(t("title.withSubscription", { subscription }));
  const seasons = title.seasons?.length ?? 0;
  const episodes = title.seasons?.reduce((count, season) => count + season.episodes.length, 0) ?? 0;
  if (seasons > 1) facts.push(t("title.seasonCount", { n: seasons }));
  else if (episodes > 0) facts.push(t("title.episodeCount", { n: episodes }));
  const height = title.quality?.height ?? 0;
  if (height >= 2160) facts.push("4K");
  else if (height >= 720) facts.push("HD");
  if (title.quality?.hdr) facts.push("HDR");
  if (title.quality?.here) facts.push(t("title.upToHere", { n: title.quality.here }));
  return facts;
}

function Loading(props: { complaint: boolean }): JSX.Element {
  const { words } = useSeat();
  return (
    <Show when={!props.complaint}>
      <section class="hero" role="status">
        <span class="unseen">{words().t("title.loading")}</span>
      </section>
    </Show>
  );
}

function BackButton(): JSX.Element {
  const { words, nav } = useSeat();
  const zone = useZone({ id: "back", shape: { kind: "row" }, count: () => 1, onPress: () => void nav.back() });
  return (
    <button type="button" {...zone.item(0)} class="back-button" aria-label={words().t("nav.back")}>
      <Icon name="back" />
    </button>
  );
}

function namesOf(title: Title, role: string): string[] {
  return title.credits.filter((credit) => credit.role.toLowerCase() === role).flatMap((credit) => credit.names);
}

function People(props: { title: Title }): JSX.Element {
  const { words } = useSeat();
  const line = (): string => {
    const [by, cast] = [namesOf(props.title, "director"), namesOf(props.title, "cast").slice(0, 3)];
    const parts = [
      by.length > 0 ? words().t("title.by", { names: words().list(by) }) : "",
      cast.length > 0 ? words().t("title.with", { names: words().list(cast) }) : "",
    ];
    return parts.filter(Boolean).join("  ·  ");
  };
  return (
    <Show when={line()}>
      {(text) => (
        <p class="people-line" dir="auto">
          {text()}
        </p>
      )}
    </Show>
  );
}

type OpenElsewhere = (id: Id, service: string, way: number | null) => Promise<void>;

interface ActionsProps {
  title: Title;
  openTracks(): void;
  openElsewhere: OpenElsewhere;
  /** Asks the server again whether the home has a plan by now. */
  checkPlan(): void;
  checking: boolean;
  taste: Taste;
  onTaste(taste: Taste): void;
}

function Actions(props: ActionsProps): JSX.Element {
  const seat = useSeat();
  const target = createMemo(() => playTarget(props.title));
  const actions = createMemo((): readonly ActionItem[] => {
    const { t } = seat.words();
    const service = props.title.service_name;
    if (service) return [...waysOf(props.title, service), ...tastes()];
    const { id, episode } = target();
    const resumes = props.title.resume !== null;
    const numbers = episode?.series ? { season: episode.series.season, episode: episode.series.episode } : null;
    const label = numbers
      ? t(resumes ? "title.resumeEpisode" : "title.playEpisode", numbers)
      : t(resumes ? "title.resume" : "title.play");
    const list: ActionItem[] = needsPlan(props.title)
      ? [{ id: "plan", icon: "restart", label: t("plan.again"), run: () => props.checkPlan() }]
      : [{ id: "play", icon: "play", label, run: () => seat.nav.open({ screen: "play", id }) }];
    if (resumes && !needsPlan(props.title)) {
      const run = (): void => seat.nav.open({ screen: "play", id, fromStart: true });
      list.push({ id: "restart", icon: "restart", label: t("title.fromStart"), run });
    }
    if (props.title.audio.length > 0 || props.title.subtitles.length > 0) {
      list.push({ id: "tracks", icon: "tracks", label: t("title.tracks"), run: () => props.openTracks() });
    }
    return [...list, ...tastes()];
  });
  /** The list, and the two thumbs: pressed again, each is taken back. */
  function tastes(): ActionItem[] {
    const { t } = seat.words();
    const { in_list, thumb } = props.taste;
    const say = (next: Partial<Taste>) => (): void => props.onTaste({ ...props.taste, ...next });
    const turn = (to: Thumb): Thumb | null => (thumb === to ? null : to);
    return [
      {
        id: "list",
        icon: in_list ? "check" : "plus",
        label: t(in_list ? "title.onList" : "title.addToList"),
        on: in_list,
        run: say({ in_list: !in_list }),
      },
      { id: "up", icon: "up", label: t("title.up"), on: thumb === "up", run: say({ thumb: turn("up") }) },
      { id: "down", icon: "down", label: t("title.down"), on: thumb === "down", run: say({ thumb: turn("down") }) },
    ];
  }
  /** One button for each thing to do: two ways to rent are one, the first. */
  function waysOf(title: Title, service: string): ActionItem[] {
    const found = new Map<string, ActionItem>();
    for (const way of title.ways ?? []) {
      const label = wayLabel(way, service, seat.words());
      const run = (): void => void props.openElsewhere(title.id, service, way.number);
      if (!found.has(label)) found.set(label, { id: "elsewhere", icon: "out", label, run });
    }
    if (found.size > 0) return [...found.values()];
    // A series that the partner tells of by its episodes alone: its first one is the way in.
    const run = (): void => void props.openElsewhere(target().id, service, null);
    return [{ id: "elsewhere", icon: "out", label: seat.words().t("title.watchOn", { service }), run }];
  }
  const zone = useZone({
    id: "actions",
    shape: { kind: "row" },
    count: () => actions().length,
    onPress: (index) => actions()[index]?.run(),
  });
  createEffect(() => {
    const isPlay = zone.within() && actions()[zone.current()]?.id === "play";
    seat.expectPlay(isPlay ? target().id : null);
  });
  onCleanup(() => seat.expectPlay(null));
  const resumed = (): Tile | null => {
    const { resume, duration_ms } = props.title;
    if (!resume) return null;
    const whole = target().episode?.duration_ms ?? duration_ms;
    return whole ? { ...props.title, progress: { position_ms: resume.position_ms, duration_ms: whole } } : null;
  };
  return (
    <>
      <Show when={resumed()}>
        {(tile) => (
          <p class="resume">
            <ProgressBar tile={tile()} />
            <span>{timeLeft(tile(), seat.words())}</span>
          </p>
        )}
      </Show>
      <Show when={needsPlan(props.title) && props.title.needs_plan}>
        {(plan) => <PlanPanel plan={plan()} checking={props.checking} />}
      </Show>
      <div class="buttons" role="group" aria-label={seat.words().t("title.actions")}>
        <For each={actions()}>
          {(action, index) => (
            <button
              type="button"
              {...zone.item(index())}
              class="button"
              classList={{ "button-first": index() === 0, "button-thumb": action.id === "up" || action.id === "down" }}
              data-action={action.id}
              aria-label={action.label}
              aria-pressed={action.on}
            >
              <Icon name={action.icon} />
              <Show when={action.id !== "up" && action.id !== "down"}>{action.label}</Show>
            </button>
          )}
        </For>
      </div>
    </>
  );
}

interface SeasonsProps {
  title: Title;
  seasons: readonly Season[];
  openElsewhere: OpenElsewhere;
  toPlan(): void;
}

function Seasons(props: SeasonsProps): JSX.Element {
  const seat = useSeat();
  const resumedSeason = props.seasons.findIndex((season) =>
    season.episodes.some((episode) => episode.id === props.title.resume?.title_id),
  );
  const [chosen, setChosen] = createSignal(Math.max(0, resumedSeason));
  const tabs = useZone({
    id: "seasons",
    shape: { kind: "row" },
    count: () => (props.seasons.length > 1 ? props.seasons.length : 0),
    start: chosen(),
    onPress: setChosen,
  });
  createEffect(on(tabs.current, (index) => tabs.within() && setChosen(index)));
  const season = (): Season | undefined => props.seasons[chosen()];
  const name = (one: Season): string => one.name ?? seat.words().t("title.season", { n: one.number });
  return (
    <section class="seasons" aria-label={seat.words().t("title.episodes")}>
      <Show
        when={props.seasons.length > 1}
        fallback={<h2 class="shelf-title">{seat.words().t("title.episodes")}</h2>}
      >
        <div class="tabs" role="group" aria-label={seat.words().t("title.seasons")}>
          <For each={props.seasons}>
            {(one, index) => (
              <button type="button" {...tabs.item(index())} class="tab" aria-pressed={index() === chosen()} dir="auto">
                {name(one)}
              </button>
            )}
          </For>
        </div>
      </Show>
      <Episodes
        episodes={season()?.episodes ?? []}
        resume={props.title.resume?.title_id ?? null}
        openElsewhere={props.openElsewhere}
        needsPlan={needsPlan(props.title)}
        toPlan={props.toPlan}
      />
    </section>
  );
}

function Episodes(props: {
  episodes: readonly Episode[];
  resume: string | null;
  openElsewhere: OpenElsewhere;
  needsPlan: boolean;
  toPlan(): void;
}): JSX.Element {
  const seat = useSeat();
  const layer = useLayerId();
  const start = Math.max(0, props.episodes.findIndex((episode) => episode.id === props.resume));
  useZones(
    layer,
    createMemo(() => [
      {
        id: "episodes",
        shape: { kind: seat.kind === "tv" ? ("row" as const) : ("column" as const) },
        count: props.episodes.length,
        start,
        onPress: (index: number) => {
          const episode = props.episodes[index];
          if (episode?.service_name) void props.openElsewhere(episode.id, episode.service_name, null);
          else if (props.needsPlan) props.toPlan();
          else if (episode) seat.nav.open({ screen: "play", id: episode.id });
        },
      },
    ]),
  );
  const zone = bindZone("episodes");
  createEffect(() => {
    const episode = props.episodes[zone.current()];
    if (zone.within()) seat.expectPlay(episode && !isElsewhere(episode) && !props.needsPlan ? episode.id : null);
  });
  // Back to the start of the list with another season.
  const offset = (): number => trackOffset(Math.min(zone.current(), props.episodes.length - 1), props.episodes.length, "tile");
  return (
    <ul
      class="episodes"
      style={seat.kind === "tv" ? { transform: `translate3d(${-offset()}rem,0,0)` } : {}}
    >
      <For each={props.episodes}>
        {(episode, index) => (
          <li
            class="episode"
            style={seat.kind === "tv" ? { left: `${index() * SIZES.tile.pitch}rem` } : {}}
          >
            <button type="button" {...zone.item(index())} class="episode-link">
              <span class="episode-picture">
                <Picture
                  src={episode.artwork?.tile}
                  id={episode.id}
                  name={episode.name}
                  lazy={seat.kind === "web" || index() > 5}
                />
                <ProgressBar tile={episode} />
              </span>
              <span class="episode-words">
                <span class="episode-name" dir="auto">
                  {episode.series?.episode ?? index() + 1}. {episode.name}
                </span>
                <span class="episode-length">
                  {episode.duration_ms === null ? "" : seat.words().duration(episode.duration_ms)}
                </span>
                <span class="episode-synopsis" dir="auto">
                  {episode.synopsis || episode.synopsis_short}
                </span>
              </span>
            </button>
          </li>
        )}
      </For>
    </ul>
  );
}

function Similar(props: { items: readonly Tile[] }): JSX.Element {
  const seat = useSeat();
  useZones(
    useLayerId(),
    createMemo(() => [
      {
        id: "similar",
        shape: { kind: "row" as const },
        count: props.items.length,
        onPress: (index: number) => {
          const tile = props.items[index];
          if (tile) seat.nav.open({ screen: "title", id: tile.series?.id ?? tile.id });
        },
      },
    ]),
  );
  return (
    <Show when={props.items.length > 0}>
      <Shelf
        zone="similar"
        title={seat.words().t("title.similar")}
        items={props.items}
        shape={seat.compact() ? "poster" : "tile"}
        class="similar"
      />
    </Show>
  );
}

function About(props: { title: Title }): JSX.Element {
  const seat = useSeat();
  // On a television it is reached by moving down to it; in a browser it is simply further down the page.
  const zone = useZone({ id: "about", shape: { kind: "row" }, count: () => (seat.kind === "tv" ? 1 : 0) });
  const languages = (tags: readonly string[]): string =>
    seat.words().list([...new Set(tags)].map((tag) => seat.words().languageName(tag)));
  const item = seat.kind === "tv" ? zone.item(0) : {};
  return (
    <section {...item} class="about" aria-label={seat.words().t("title.about", { name: props.title.name })}>
      <h2 class="shelf-title" dir="auto">
        {seat.words().t("title.about", { name: props.title.name })}
      </h2>
      <dl>
        <For each={props.title.credits}>
          {(credit) => (
            <div>
              <dt>{seat.words().role(credit.role)}</dt>
              <dd dir="auto">{seat.words().list(credit.names)}</dd>
            </div>
          )}
        </For>
        <Show when={props.title.audio.length > 0}>
          <div>
            <dt>{seat.words().t("title.audio")}</dt>
            <dd>{languages(props.title.audio.map((track) => track.language))}</dd>
          </div>
        </Show>
        <Show when={props.title.subtitles.length > 0}>
          <div>
            <dt>{seat.words().t("title.subtitles")}</dt>
            <dd>{languages(props.title.subtitles.map((track) => track.language))}</dd>
          </div>
        </Show>
        <div>
          <dt>{seat.words().t("title.age")}</dt>
          <dd>
            <AgeBadge age={props.title.age_class} />
          </dd>
        </div>
      </dl>
    </section>
  );
}
