// What is signed in as this home: ended one by one, or everywhere, after a question. Boxes at the line are there by their line.

import { createSignal, For, type JSX, Show } from "solid-js";
import type { SignedIn } from "../../api/types";
import type { MessageKey } from "../../base/messages";
import { Layer, useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { createLive } from "../live";
import { Icon } from "../parts/icons";
import { Menu } from "../parts/menu";
import { type Asked, Question } from "../parts/question";
import { Failed } from "./failed";

const KINDS: Readonly<Record<SignedIn["kind"], MessageKey>> = {
  tv: "devices.tv",
  web: "devices.web",
  program: "devices.program",
};
/** In rem: from one line to the next on a television, and how many of them stand there at once. */
const LINE_PITCH = 6;
const LINES = 5;

export default function DevicesScreen(): JSX.Element {
  const seat = useSeat();
  const t = seat.words().t;
  const [asked, setAsked] = createSignal<Asked | null>(null);
  const [failed, setFailed] = createSignal(false);
  const live = createLive<readonly SignedIn[]>({
    key: () => "sessions",
    load: (_, signal) => seat.client.sessions({ signal }),
    connection: seat.connection,
  });
  const sessions = (): readonly SignedIn[] => live.value() ?? [];
  const here = (): SignedIn | undefined => sessions().find(({ current }) => current);
  const others = (): readonly SignedIn[] => sessions().filter(({ current }) => !current);

  async function end(run: () => Promise<unknown>): Promise<void> {
    setAsked(null);
    setFailed(false);
    await run().catch(() => setFailed(true));
    live.refresh();
  }

  const no = { label: t("devices.no"), run: () => setAsked(null) };
  function askOne(one: SignedIn): void {
    const run = (): void => (one.current ? seat.signOut()?.() : void end(() => seat.client.endSession(one.id)));
    setAsked({
      title: t("devices.end", { name: nameOf(one) }),
      help: t("devices.endHelp"),
      answers: [{ label: t("devices.endYes"), run }, no],
    });
  }
  function askAll(): void {
    const everywhere = {
      label: t(here() ? "devices.allHere" : "devices.allYes"),
      run: () =>
        void end(async () => {
          const isHere = here() !== undefined;
          await seat.client.endSessions();
          if (isHere) seat.signOut()?.();
        }),
    };
    const butThis = {
      label: t("devices.allOthers"),
      run: () => void end(() => Promise.all(others().map(({ id }) => seat.client.endSession(id)))),
    };
    setAsked({
      title: t("devices.allTitle"),
      help: t("devices.allHelp"),
      answers: here() ? [butThis, everywhere, no] : [everywhere, no],
    });
  }
  const nameOf = (one: SignedIn): string => one.label || t(KINDS[one.kind]);

  return (
    <>
      <Layer
        id="devices"
        label={t("devices.title")}
        order={["menu", "devices-all", "devices"]}
        initial="devices-all"
        class="screen household"
      >
        <Menu here="settings" />
        <div class="household-page">
          <div class="household-head">
            <h1>{t("devices.title")}</h1>
            <SignOutAll count={sessions().length} run={askAll} />
          </div>
          <p class="household-help">{t("devices.help")}</p>
          <p class="household-says" role="status">
            {failed() ? t("devices.failed") : ""}
          </p>
          <ul class="devices-at-line">
            <For each={seat.me().boxes ?? []}>
              {(box) => (
                <li>
                  <strong dir="auto">{box.label || box.model}</strong>
                  <span>{box.model}</span>
                  <span>{t("devices.atLine")}</span>
                  <Show when={box.id === seat.me().box?.id && !here()}>
                    <em>{t("devices.here")}</em>
                  </Show>
                </li>
              )}
            </For>
          </ul>
          <Show when={live.value()} fallback={<Failed live={live} />}>
            <Show when={sessions().length > 0} fallback={<p class="household-help">{t("devices.none")}</p>}>
              <Lines sessions={sessions()} nameOf={nameOf} ask={askOne} />
            </Show>
          </Show>
        </div>
      </Layer>
      <Show when={asked()}>{(question) => <Question asked={question()} />}</Show>
    </>
  );
}

function SignOutAll(props: { count: number; run: () => void }): JSX.Element {
  const { words } = useSeat();
  const zone = useZone({ id: "devices-all", shape: { kind: "row" }, count: () => (props.count > 0 ? 1 : 0), onPress: () => props.run() });
  return (
    <Show when={props.count > 0}>
      <button type="button" {...zone.item(0)} class="button">
        <Icon name="out" />
        {words().t("devices.all")}
      </button>
    </Show>
  );
}

function Lines(props: { sessions: readonly SignedIn[]; nameOf(one: SignedIn): string; ask(one: SignedIn): void }): JSX.Element {
  const { words, kind } = useSeat();
  const zone = useZone({
    id: "devices",
    shape: { kind: "column" },
    count: () => props.sessions.length,
    onPress: (index) => {
      const one = props.sessions[index];
      if (one) props.ask(one);
    },
  });
  const moved = (): number => Math.max(0, Math.min(zone.current() - LINES + 2, props.sessions.length - LINES)) * LINE_PITCH;
  return (
    <div class="lines-window">
      <ul class="lines" style={kind === "tv" ? { transform: `translate3d(0,${-moved()}rem,0)` } : {}}>
        <For each={props.sessions}>
          {(one, index) => (
            <li>
              <button type="button" {...zone.item(index())} class="line">
                <span class="line-name" dir="auto">
                  {props.nameOf(one)}
                </span>
                <span class="line-facts">
                  {words().t(KINDS[one.kind])}
                  {" · "}
                  <Show when={!one.current} fallback={<em>{words().t("devices.here")}</em>}>
                    {words().t("devices.lastSeen", { date: words().date(one.last_seen) })}
                  </Show>
                </span>
                <Icon name="out" />
              </button>
            </li>
          )}
        </For>
      </ul>
    </div>
  );
}
