// The whole: who watches, which screens lie on each other, and what runs beside them (status, refresh, the connection's
// banner). Screens are told everything through their Seat.

import { createEffect, createMemo, createSignal, type JSX, lazy, Match, on, onCleanup, onMount, Show, Suspense, Switch } from "solid-js";
import { comeBack, signInAddress } from "../api/authorize";
import { createClient } from "../api/client";
import { askForCode, pollForTokens } from "../api/device_code";
import type { Complaint } from "../api/errors";
import type { Tokens } from "../api/session";
import type { Announced, Home, Me, Preferences, Profile, Status, Tile, Title } from "../api/types";
import { type Language, languageFor, wordsFor } from "../base/i18n";
import type { Shell } from "../base/shell";
import { openerFor } from "../boxes/opener";
import { createFocus, FocusProvider, Layer } from "../focus/solid";
import { createPlays } from "../player/plays";
import { createConnection } from "../screens/connection";
import { type KeyboardLayout, type Seat, SeatProvider } from "../screens/context";
import ActivateScreen from "../screens/activate/activate";
import DevicesScreen from "../screens/household/devices";
import InvoicesScreen from "../screens/household/invoices";
import PlanScreen from "../screens/household/plan";
import VoucherScreen from "../screens/household/voucher";
import HomeScreen from "../screens/home/home";
import { createLive } from "../screens/live";
import { createNav, hrefOf, type Nav, type Route } from "../screens/nav";
import { Wordmark } from "../screens/parts/icons";
import { Notice } from "../screens/parts/notice";
import { PinPad } from "../screens/parts/pin_pad";
import ProfilesScreen from "../screens/profiles/profiles";
import SearchScreen from "../screens/search/search";
import SettingsScreen from "../screens/settings/settings";
import SignInScreen from "../screens/sign_in/sign_in";
import type { WaitingPorts } from "../screens/sign_in/waiting";
import TitleScreen from "../screens/title/title";
import { Banner } from "./banner";
import { listenToKeys } from "./keys";
import { createPeople } from "./people";
import { deviceLabel, deviceSession, TV_CLIENT, WEB_CLIENT } from "./sign_in";
import type { Store } from "./storage";
import { watchStatus } from "./watch_status";

const loadPlayer = () => import("../screens/player/player");
const PlayerScreen = lazy(loadPlayer);

const PROFILE_KEY = "matinee.profile";
const LAYOUT_KEY = "matinee.keyboard";
/** Home is asked again this often while it lies open; an unchanged one costs an empty answer. */
const HOME_EVERY_MS = 5 * 60_000;

export function App(props: { shell: Shell; store: Store }): JSX.Element {
  const { shell, store } = props;
  const tv = shell.seat === "tv";
  const connection = createConnection();
  const [refused, setRefused] = createSignal(false);
  const [returning, setReturning] = createSignal(!tv && /[?&]state=/.test(location.search));
  let toldStarted = false;
  const send: typeof fetch = (input, init) => fetch(input, init);
  // A screen that has signed in goes by that, and by nothing where that has ended; another by what the shell brought: a box's
  // token, or one of the address.
  const session = deviceSession(tv, send);
  const [signedIn, setSignedIn] = createSignal(session.has());
  const client = createClient({
    origin: "",
    token: () => (signedIn() || session.has() ? session.token().then((token) => token ?? (signedIn() ? null : shell.token)) : shell.token),
    renewed: async (token) => {
      const renewed = await session.refused(token);
      if (signedIn() && !session.has()) {
        // Signed out elsewhere: what runs here ends with it, and a film says so first.
        if (nav.current().screen !== "play") location.reload();
        return false;
      }
      return renewed || (!session.has() && shell.token !== null && token !== shell.token);
    },
    unlock: () => unlocks()[profile()?.id ?? ""] ?? null,
    locked: () => people.lock(profile()?.id),
    fetch: send,
    sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
    random: Math.random,
    reached: (online) => connection.note(online),
    refused: () => {
      // The box was returned, or this screen was signed out: whoever has it next learns nothing of the home that had it.
      store.wipe();
      setRefused(true);
      if (!signedIn()) shell.tokenRefused(); // else it was not the shell's that was refused
    },
  });
  const opener = openerFor(navigator.userAgent, window);
  const focus = createFocus(!tv);
  const routes = createNav({
    location,
    history,
    browser: !tv,
    onPop: (listener) => window.addEventListener("popstate", (event) => listener(event.state)),
  });
  // A film that stands ready begins in the very key press; its screen is built after the picture has been painted.
  const nav: Nav = {
    ...routes,
    open(route) {
      const begun = route.screen === "play" && !route.fromStart && plays.begin(route.id);
      if (begun) requestAnimationFrame(() => setTimeout(() => routes.open(route)));
      else routes.open(route);
    },
  };
  onCleanup(listenToKeys(focus, nav, tv));

  const me = createLive<Me>({ key: () => "me", load: (_, signal) => client.me({ signal }), connection });
  const [changes, setChanges] = createSignal<Readonly<Record<string, Preferences>>>({});
  const people = createPeople({ me, client, words: () => words(), chosen: store.get(PROFILE_KEY), keep: (id) => store.set(PROFILE_KEY, id) });
  const { unlocks, mustChoose } = people;
  const profile = createMemo((): Profile | undefined => {
    const found = people.shown();
    return found && { ...found, ...changes()[found.id] };
  });
  const language = createMemo((): Language => profile()?.language ?? languageFor(navigator.languages));
  const words = createMemo(() => wordsFor(language()));
  createEffect(() => {
    document.documentElement.lang = language();
    document.documentElement.toggleAttribute("data-kids", (profile()?.kids ?? false) && !mustChoose());
  });

  const compactQuery = window.matchMedia("(max-width: 720px)");
  const [narrow, setNarrow] = createSignal(compactQuery.matches);
  compactQuery.addEventListener("change", (event) => setNarrow(event.matches));
  window.addEventListener("offline", () => connection.cut());
  window.addEventListener("online", () => void client.status().catch(() => undefined));

  const home = createLive<Home>({
    key: () => (profile() && !mustChoose() ? `${profile()?.id} ${language()}` : null),
    load: (key, signal) => client.home(key.split(" ")[0] ?? "", { signal }),
    connection,
    cache: new Map<string, Home>(),
  });
  const announced = createLive<readonly Announced[]>({
    key: () => (profile() && !mustChoose() ? (profile()?.id ?? null) : null),
    load: async (key, signal) => (await client.announced(key, { signal })).services,
    connection,
  });
  const titles = new Map<string, Title>();
  const [status, setStatus] = createSignal<Status | undefined>();
  const plays = createPlays({ client, store, profileId: () => profile()?.id ?? "" });
  const [layout, setLayout] = createSignal<KeyboardLayout>(
    (store.get(LAYOUT_KEY) as KeyboardLayout | null) ?? (language() === "fr" ? "azerty" : "alphabet"),
  );

  const seat = (known: Me): Seat => ({
    kind: shell.seat,
    compact: () => !tv && narrow(),
    release: shell.version,
    client,
    connection,
    nav,
    me: () => me.value() ?? known,
    profile: () => profile() as Profile,
    words,
    home,
    status,
    announced: () => announced.value() ?? [],
    titles,
    layout,
    setLayout: (next) => {
      store.set(LAYOUT_KEY, next);
      setLayout(next);
    },
    setLanguage: (next) => change({ language: next }),
    chooseProfile: people.choose,
    askPin: people.askPin,
    newPin: people.newPin,
    unlockOf: (id) => unlocks()[id] ?? "",
    refreshMe: () => me.refresh(),
    setPreferences: change,
    expectPlay: (id) => {
      // OK on Play leaves its page: what was prepared is then the player's to take.
      if (id === null && nav.current().screen === "play") return;
      if (id === null) plays.predictor.cancel();
      else plays.predictor.hint(id);
    },
    checkPlans,
    signOut: () => (signedIn() ? signOut : null),
    openElsewhere: async (id, source, way) => {
      const launch = await client.openTitle(id, profile()?.id ?? "", source, way);
      return opener.open(launch.uri);
    },
  });

  function change(preferences: Preferences): void {
    const id = profile()?.id;
    if (id === undefined) return;
    setChanges((all) => ({ ...all, [id]: { ...all[id], ...preferences } }));
    void sendPreferences(id);
  }

  /** Kept here at once; a server that cannot be reached is told when the connection is back. */
  async function sendPreferences(id: string): Promise<void> {
    const wished = changes()[id];
    if (!wished) return;
    unsent.add(id);
    try {
      await client.setPreferences(id, wished);
      unsent.delete(id);
    } catch {
      // It stays among the unsent.
    }
  }
  const unsent = new Set<string>();
  createEffect(on(connection.recoveries, () => unsent.forEach((id) => void sendPreferences(id)), { defer: true }));

  watchStatus({ client, home, setStatus, status, wanted: () => nav.current().screen !== "play" && !refused() });
  createEffect(
    on(
      () => nav.current().screen,
      (_, before) => {
        if (before !== "play") return;
        if (refused()) location.reload();
        else home.refresh();
      },
      { defer: true },
    ),
  );
  const timer = setInterval(() => {
    if (document.visibilityState !== "visible" || nav.current().screen !== "home") return;
    me.refresh();
    home.refresh();
    announced.refresh();
  }, HOME_EVERY_MS);
  onCleanup(() => clearInterval(timer));

  if (returning()) void finishSignIn();

  return (
    <FocusProvider focus={focus}>
      <Show when={me.value()} fallback={<Boot />} keyed={false}>
        {(known) => (
          <SeatProvider seat={seat(known())}>
            <Show when={profile()} fallback={<Boot />}>
              <Show when={!mustChoose()} fallback={<ProfilesScreen onChosen={() => nav.current().screen === "profiles" && nav.home()} />}>
                <Screens />
              </Show>
            </Show>
            <Show when={people.pinAsked()}>{(asked) => <PinPad asked={asked()} />}</Show>
            <Started />
          </SeatProvider>
        )}
      </Show>
      <Banner connection={connection} words={words} />
    </FocusProvider>
  );

  /** What is known of a title already, to show while its film loads. */
  function tileOf(id: string): Tile | undefined {
    for (const title of titles.values()) {
      if (title.id === id) return title;
      const episode = title.seasons?.flatMap((season) => season.episodes).find((one) => one.id === id);
      if (episode) return episode;
    }
    return home.value()?.rows.flatMap((row) => row.items).find((tile) => tile.id === id);
  }

  function checkPlans(): void {
    titles.clear();
    home.refresh();
    announced.refresh();
  }

  /** To the page that says whom to ask for a plan: the one that lies under the player, or the title's own in its place. */
  function leadToPlan(id: string): void {
    const series = tileOf(id)?.series?.id;
    const below = nav.stack().at(-2);
    checkPlans();
    if (below?.screen === "title" && (below.id === id || below.id === series)) nav.back();
    else nav.replace({ screen: "title", id: series ?? id });
  }

  function signOut(): void {
    void session.end().finally(() => location.reload());
  }

  function begin(tokens: Tokens): void {
    session.keep(tokens);
    setSignedIn(true);
    setRefused(false);
    me.refresh();
  }

  /** In a browser that can keep a secret for a moment: to the server's own page, and back with a code. */
  function authorizePorts() {
    return { clientId: WEB_CLIENT, origin: location.origin, storage: sessionStorage, crypto, fetch: send };
  }

  function signInHere(): void {
    void signInAddress(authorizePorts(), location.hash).then((address) => location.assign(address));
  }

  async function finishSignIn(): Promise<void> {
    try {
      const back = await comeBack(authorizePorts(), location.search);
      if (!back) return;
      history.replaceState(history.state, "", location.pathname + back.inside);
      if (back.tokens) begin(back.tokens);
    } catch {
      // Nothing came of it: the screen offers to sign in again.
    } finally {
      setReturning(false);
    }
  }

  function codePorts(): WaitingPorts {
    const id = tv ? TV_CLIENT : WEB_CLIENT;
    return {
      ask: () => askForCode(send, id, deviceLabel(words(), tv, navigator.userAgent)),
      poll: (code) => pollForTokens(send, id, code),
      done: begin,
      now: () => Date.now(),
      after(run, ms) {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    };
  }

  /** While nobody is known: the name, and, if it lasts, why; or the way to sign in. */
  function Boot(): JSX.Element {
    const complaint = () => (refused() || !(shell.token || signedIn()) ? "signedOut" : me.complaint());
    // A box at no household's line is told that there is none.
    const mustSignIn = () => !returning() && (complaint() === "signedOut" || (tv && complaint() === "notFound"));
    return (
      <Show when={mustSignIn()} fallback={<Waiting complaint={returning() ? null : complaint()} />}>
        <SignInScreen words={words()} ports={codePorts()} here={!tv && crypto.subtle ? signInHere : undefined} />
        <Painted run={started} />
      </Show>
    );
  }

  function Waiting(props: { complaint: Complaint | null }): JSX.Element {
    const complaint = () => props.complaint;
    return (
      <Layer id="boot" label="Matinee" order={["notice"]} initial="notice" class="screen boot">
        <Wordmark />
        <Show when={complaint()}>
          {(why) => (
            <Notice
              title={words().t(`error.${why()}.title`)}
              help={words().t(`error.${why()}.help`)}
              actions={[{ label: words().t("error.retry"), run: () => me.refresh() }]}
            />
          )}
        </Show>
      </Layer>
    );
  }

  /** The launcher is told once that the first screen stands, whichever it is. */
  function started(): void {
    if (toldStarted) return;
    toldStarted = true;
    shell.started();
  }

  function Painted(props: { run: () => void }): JSX.Element {
    onMount(() => requestAnimationFrame(() => setTimeout(() => props.run())));
    return null;
  }

  function Started(): JSX.Element {
    onMount(() =>
      requestAnimationFrame(() =>
        setTimeout(() => {
          started();
          plays.warm();
          const idle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 400));
          idle(() => void loadPlayer().catch(() => undefined));
        }),
      ),
    );
    return null;
  }

  function Screens(): JSX.Element {
    const place = createMemo(
      () => {
        const stack = nav.stack();
        return { route: nav.current(), key: `${hrefOf(nav.current())}@${stack.length}` };
      },
      { route: nav.current(), key: "" },
      { equals: (a, b) => a.key === b.key },
    );
    return (
      <>
        <HomeScreen covered={nav.current().screen !== "home"} />
        <Show when={place().route.screen !== "home" && place()} keyed>
          {(here) => <Screen route={here.route} layer={here.key} restore={nav.returned()} />}
        </Show>
      </>
    );
  }

  function Screen(here: { route: Route; layer: string; restore: boolean }): JSX.Element {
    const route = here.route;
    return (
      <Switch>
        <Match when={route.screen === "title" && route}>
          {(title) => <TitleScreen id={title().id} layer={here.layer} restore={here.restore} />}
        </Match>
        <Match when={route.screen === "play" && route}>
          {(play) => (
            <Suspense fallback={<div class="screen curtain" />}>
              <PlayerScreen
                titleId={play().id}
                plays={plays}
                words={words()}
                seat={shell.seat}
                tile={tileOf(play().id)}
                onPreferences={change}
                fromStart={play().fromStart ?? false}
                onClose={() => void nav.back()}
                onNeedsPlan={() => leadToPlan(play().id)}
                askPin={() => people.askPin(null)}
                onSignIn={() => location.reload()}
                onNext={(id: string) => nav.replace({ screen: "play", id })}
              />
            </Suspense>
          )}
        </Match>
        <Match when={route.screen === "activate" && route}>{(link) => <ActivateScreen code={link().id} />}</Match>
        <Match when={route.screen === "search"}>
          <SearchScreen restore={here.restore} />
        </Match>
        <Match when={route.screen === "settings"}>
          <SettingsScreen />
        </Match>
        <Match when={route.screen === "devices"}>
          <DevicesScreen />
        </Match>
        <Match when={route.screen === "plan"}>
          <PlanScreen />
        </Match>
        <Match when={route.screen === "voucher"}>
          <VoucherScreen />
        </Match>
        <Match when={route.screen === "invoices"}>
          <InvoicesScreen />
        </Match>
        <Match when={route.screen === "profiles"}>
          <ProfilesScreen onChosen={() => nav.home()} />
        </Match>
      </Switch>
    );
  }
}
