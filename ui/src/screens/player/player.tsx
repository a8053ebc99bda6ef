// The film, and over it what a viewer needs and no more. The bare film owns the focus itself; the controls come with the first
// key and go by themselves. What a key means is decided in keys.ts, how a seek runs in scrubbing.ts.

import { createEffect, createMemo, createSignal, For, type JSX, on, onCleanup, Show, untrack } from "solid-js";
import { complaintOf } from "../../api/errors";
import { isDirection, type Press } from "../../base/actions";
import { Layer, useFocus, useZone } from "../../focus/solid";
import { offerAt, sameOffer, type Offer } from "../../player/offers";
import { SIGNED_OUT } from "../../player/play";
import { Bar } from "./bar";
import type { PlayerScreenProps } from "./contract";
import { Icon, type PlayerIcon } from "./icons";
import { intentOf, type Place } from "./keys";
import { announce, announcePosition } from "./media_session";
import { OfferCard } from "./offer";
import { createOverlay, lasting } from "./overlay";
import { episodeLine, headline, InfoPanel, TracksPanel } from "./panels";
import "./player.css";
import { createScreening } from "./screening";
import { createScrubbing } from "./scrubbing";
import { StreamsPanel } from "./streams";
import { Subtitles } from "./subtitles";
import { TroublePanel } from "./trouble";
import { say, type PlayerWord } from "./words";

/** Waiting is shown when it has lasted so long: shorter ones are not noticed without it. */
const PATIENCE_MS = 500;
/** A focus that was moved this recently is not taken away for an offer. */
const BUSY_MS = 1_500;
const LAYER = "player";

/** Another title is another play: nothing of the one before stays. */
export default function PlayerScreen(props: PlayerScreenProps): JSX.Element {
  return (
    <Show keyed when={props.titleId}>
      {(titleId) => <Film {...props} titleId={titleId} />}
    </Show>
  );
}

interface Button {
  readonly icon: PlayerIcon;
  readonly label: string;
  /** The buttons of the picture's middle on a phone, without words. */
  readonly transport?: boolean;
  run(): void;
}

function Film(props: PlayerScreenProps): JSX.Element {
  const focus = useFocus();
  let stage!: HTMLDivElement;
  const text = (word: PlayerWord, values?: Record<string, string | number>): string => say(props.words.language, word, values);

  const screening = createScreening({
    plays: props.plays,
    titleId: props.titleId,
    fromStart: props.fromStart ?? false,
    mount: (element) => stage.replaceChildren(element),
  });
  const { play, state, positionMs, durationMs } = screening;
  const port = () => play()?.port ?? null;
  const tile = () => play()?.playback.title ?? props.tile;
  const scrubbing = createScrubbing({
    positionMs,
    durationMs,
    playing: () => state() === "playing" || state() === "waiting",
    seek: (to) => play()?.seek(to),
    play: () => void port()?.play(),
    pause: () => port()?.pause(),
  });
  const still = (): boolean => state() === "paused" && scrubbing.targetMs() === null;
  const [resting, setResting] = createSignal(false);
  const overlay = createOverlay(() => still() || scrubbing.targetMs() !== null || resting());
  const [panel, setPanel] = createSignal<"tracks" | "info" | null>(null);
  const trouble = () => screening.complaint() !== null || screening.stopped() !== null;
  const shown = createMemo(() => overlay.shown() && play() !== null && panel() === null && !trouble());
  // The controls are built after the first picture, or with the first key: on a slow box they would cost that picture 50 ms.
  const [furnished, setFurnished] = createSignal(false);
  createEffect(() => {
    if (furnished()) return;
    if (overlay.shown()) setFurnished(true);
    else if (state() === "playing") setTimeout(() => setFurnished(true), 100);
  });
  const waiting = lasting(() => ["loading", "waiting", "seeking"].includes(state()) && scrubbing.targetMs() === null, PATIENCE_MS, createEffect);

  const [refused, setRefused] = createSignal<ReadonlySet<Offer["kind"]>>(new Set());
  const offer = createMemo<Offer | null>(() => {
    const now = play();
    if (!now || panel() !== null || trouble() || state() === "loading" || state() === "ready") return null;
    return offerAt(positionMs(), durationMs(), now.playback.markers, now.playback.next, refused());
  }, null, { equals: sameOffer });

  // A seek needs the room that its card takes.
  const shownOffer = createMemo(() => (scrubbing.targetMs() === null ? offer() : null));
  const counting = createMemo(() => state() === "playing" || state() === "ended");

  const place = (): Place => {
    const { layer, zone } = focus.owner();
    if (layer !== LAYER || zone === null) return "film";
    return zone === "offer" ? (offer()?.kind === "next" ? "next" : "skip") : zone === "seek" ? "seek" : "buttons";
  };
  let lastMove = 0;
  createEffect(() => {
    if (screening.complaint()?.trouble === "needsPlan") props.onNeedsPlan?.();
  });

  const signedOut = (): boolean => screening.stopped() === SIGNED_OUT || screening.complaint()?.trouble === "signedOut";

  /** Under the player lie the pages of a home that a screen that was signed out has no more. */
  function leave(): void {
    if (signedOut()) props.onSignIn?.();
    else props.onClose();
  }

  async function stopOther(session: string): Promise<boolean> {
    try {
      await props.plays.stop(session);
    } catch (error) {
      if (complaintOf(error) !== "pin") return false;
      const unlock = await props.askPin?.();
      if (!unlock) return true; // it runs on there, as the viewer knows
      try {
        await props.plays.stop(session, unlock);
      } catch {
        return false;
      }
    }
    screening.retry();
    return true;
  }

  function toggle(): void {
    const now = port();
    if (!now) return;
    if (state() === "playing" || state() === "waiting") now.pause();
    else void now.play();
    overlay.pulse();
  }

  /** The controls come, and the focus goes to one of their zones. */
  function reveal(zone: "seek" | "buttons"): void {
    setFurnished(true);
    overlay.pulse();
    focus.index.claim(LAYER, zone);
  }

  function seek(direction: -1 | 1, press: Pick<Press, "heldMs" | "repeat">): void {
    if (!play() || durationMs() === 0) return;
    reveal("seek");
    scrubbing.press(direction, press.heldMs, press.repeat);
  }

  function seekTo(to: number): void {
    scrubbing.cancel();
    play()?.seek(to);
  }

  function onKey(press: Press): boolean {
    lastMove = performance.now();
    const intent = intentOf(press, place(), shown(), offer() !== null);
    if (intent === null) {
      // Moving among the controls keeps them; the first arrow from a hidden bar is dealt with above.
      if (shown() && press.phase === "down" && (isDirection(press.action) || press.action === "ok")) overlay.pulse();
      return false;
    }
    switch (intent.kind) {
      case "seek":
        seek(intent.direction, press);
        break;
      case "release":
        scrubbing.release();
        break;
      case "toggle":
        reveal("seek");
        toggle();
        break;
      case "play":
        void port()?.play();
        overlay.pulse();
        break;
      case "pause":
        port()?.pause();
        reveal("seek");
        break;
      case "leave":
        props.onClose();
        break;
      case "info":
      case "tracks":
        if (play()) setPanel(intent.kind);
        break;
      case "options":
        reveal("buttons");
        break;
      case "nothing":
        break;
    }
    return true;
  }

  function onBack(): boolean {
    const now = offer();
    if (scrubbing.targetMs() !== null) scrubbing.cancel();
    else if (now && (place() === "skip" || place() === "next")) refuse(now);
    else if (shown()) overlay.hide();
    else props.onClose();
    return true;
  }

  function accept(now: Offer): void {
    if (now.kind === "next") props.onNext(now.title.id);
    else seekTo(now.toMs);
  }

  function refuse({ kind }: Offer): void {
    setRefused((before) => new Set([...before, kind]));
  }

  function chooseAudio(id: string): void {
    port()?.selectAudio(id);
    const track = port()?.audio.find((one) => one.id === id);
    if (track && track.role === "main") props.onPreferences?.({ audio_language: track.language });
  }

  function chooseText(id: string | null): void {
    port()?.selectText(id);
    const track = port()?.text.find((one) => one.id === id);
    props.onPreferences?.({ subtitle_language: track?.language ?? null });
  }

  // An offer takes the focus, but never from somebody who is moving: then it waits above the bar.
  createEffect(
    on(offer, (now) => {
      const busy = performance.now() - lastMove < BUSY_MS;
      if (!now || place() === "buttons" || scrubbing.targetMs() !== null || (place() === "seek" && busy)) return;
      // When the card has told the focus index what it holds.
      queueMicrotask(() => focus.index.claim(LAYER, "offer", 0));
    }),
  );
  // What was sent away once is offered again at the very end: the film must not simply stop there.
  createEffect(
    on(state, (now, before) => {
      if (now === "ended") {
        if (play()?.playback.next) setRefused(new Set<Offer["kind"]>());
        else props.onClose();
      }
      if (now === "paused" || (now === "playing" && before === "paused")) overlay.pulse();
      if (now === "playing" || now === "paused") untrack(() => announcePosition(positionMs(), durationMs(), now === "playing"));
    }),
  );
  createEffect(() => {
    const now = play();
    if (!now) return;
    const { next } = now.playback;
    onCleanup(
      announce(now.playback.title, {
        play: () => void now.port.play(),
        pause: () => now.port.pause(),
        seekBy: (ms) => seekTo(now.port.positionMs + ms),
        seekTo,
        next: next ? () => props.onNext(next.id) : null,
      }),
    );
  });

  const [muted, setMuted] = createSignal(false);
  const [full, setFull] = createSignal(document.fullscreenElement !== null);
  const onFull = (): void => void setFull(document.fullscreenElement !== null);
  document.addEventListener("fullscreenchange", onFull);
  onCleanup(() => {
    document.removeEventListener("fullscreenchange", onFull);
    if (document.fullscreenElement) void document.exitFullscreen();
  });

  async function toggleFull(): Promise<void> {
    if (document.fullscreenElement) return document.exitFullscreen();
    await document.documentElement.requestFullscreen();
    // A phone turns with the film; a desktop has no orientation to lock, and says so.
    const orientation = screen.orientation as ScreenOrientation & { lock?: (to: string) => Promise<void> };
    await orientation.lock?.("landscape").catch(() => undefined);
  }

  const buttons = createMemo<Button[]>(() => {
    const web = props.seat === "web";
    const next = play()?.playback.next ?? null;
    const moving = state() === "playing" || state() === "waiting" || scrubbing.targetMs() !== null;
    const transport: Button[] = [
      { icon: "back10", label: text("back10"), transport: true, run: () => scrubbing.press(-1, 0, false) },
      { icon: moving ? "pause" : "play", label: text(moving ? "pause" : "play"), transport: true, run: toggle },
      { icon: "on10", label: text("on10"), transport: true, run: () => scrubbing.press(1, 0, false) },
    ];
    return [
      ...(web ? transport : []),
      { icon: "tracks", label: text("tracks"), run: () => setPanel("tracks") },
      { icon: "info", label: text("info"), run: () => setPanel("info") },
      { icon: "restart", label: text("restart"), run: () => seekTo(0) },
      ...(next ? [{ icon: "next", label: text("next"), run: () => props.onNext(next.id) } as const] : []),
      ...(web
        ? ([
            { icon: muted() ? "muted" : "sound", label: text(muted() ? "unmute" : "mute"), run: toggleMute },
            ...(document.fullscreenEnabled ? [{ icon: full() ? "window" : "fullScreen", label: text(full() ? "window" : "fullScreen"), run: () => void toggleFull() } as const] : []),
          ] as const)
        : []),
    ];
  });

  function toggleMute(): void {
    const now = port();
    if (now) setMuted((now.muted = !now.muted));
  }

  return (
    // The panels stand beside the layer of the film, not in it: a layer that is covered takes no pointer and no focus.
    <div class={`player player-${props.seat}${shown() ? " player-shown" : ""}${scrubbing.targetMs() === null ? "" : " player-seeking"}`}>
      <Layer id={LAYER} label={text("player")} class="player-layer" order={["offer", "seek", "buttons"]} initial="seek" onKey={onKey} onBack={onBack}>
        <div
          class="player-stage"
          ref={stage}
          onPointerMove={(event) => event.pointerType === "mouse" && overlay.pulse()}
          onClick={(event) => {
            const touch = (event as unknown as PointerEvent).pointerType === "touch";
            if (!touch) toggle();
            else if (shown()) overlay.hide();
            else overlay.pulse();
          }}
          onDblClick={() => props.seat === "web" && document.fullscreenEnabled && void toggleFull()}
        />
        <Show when={play() === null && !trouble()}>
          <div class="player-cover" style={tile()?.artwork ? { "background-image": `url("${tile()?.artwork?.backdrop_small}")` } : {}}>
            <p class="play-cover-name" dir="auto">
              {headline(tile())}
            </p>
          </div>
        </Show>
        <Show when={waiting() && !trouble()}>
          <div class="player-waiting" role="status">
            <span class="unseen">{text("loading")}</span>
          </div>
        </Show>
        <Show when={furnished()}>
          <div class="player-shade" aria-hidden="true" />
          <Subtitles subtitles={panel() === null ? screening.subtitles() : []} raised={shown()} over={!shown() && shownOffer()?.kind === "next"} />
          <Show when={props.seat === "web" && !trouble()}>
            <div class="player-top" onPointerEnter={() => setResting(true)} onPointerLeave={() => setResting(false)}>
              <button type="button" class="play-round" tabindex="-1" aria-label={text("leave")} onClick={() => props.onClose()}>
                <Icon name="back" />
              </button>
            </div>
          </Show>
          <OfferCard
            words={props.words}
            offer={shownOffer()}
            running={counting()}
            raised={shown()}
            onAccept={accept}
            onRefuse={refuse}
          />
          <div
            class="player-bar"
            onPointerEnter={(event) => event.pointerType === "mouse" && setResting(true)}
            onPointerLeave={() => setResting(false)}
          >
            <div class="play-bar-title">
              <p class="play-bar-name" dir="auto">
                <Show when={still() && props.seat === "tv"}>
                  <Icon name="pause" />
                </Show>
                {headline(tile())}
              </p>
              <Show when={episodeLine(tile(), props.words)}>
                {(line) => (
                  <p class="play-bar-episode" dir="auto">
                    {line()}
                  </p>
                )}
              </Show>
            </div>
            <Bar
              shown={shown()}
              seat={props.seat}
              label={text("seek")}
              positionMs={positionMs()}
              durationMs={durationMs()}
              bufferedMs={screening.bufferedMs()}
              targetMs={scrubbing.targetMs()}
              thumbnails={play()?.playback.thumbnails ?? null}
              onToggle={toggle}
              onDrag={(to) => {
                overlay.pulse();
                scrubbing.drag(to);
              }}
              onDrop={() => scrubbing.release()}
              onDragCancel={() => scrubbing.cancel()}
            />
            <Buttons shown={shown()} buttons={buttons()} />
          </div>
        </Show>
      </Layer>
      <Show when={panel() === "tracks"}>
        <TracksPanel
          words={props.words}
          audio={screening.audio()}
          text={screening.text()}
          onAudio={chooseAudio}
          onText={chooseText}
          onClose={() => setPanel(null)}
        />
      </Show>
      <Show when={panel() === "info"}>
        <InfoPanel
          words={props.words}
          tile={tile()}
          quality={port()?.quality ?? null}
          atMost={screening.play()?.playback.quality?.max_height ?? null}
          endsAt={new Date(Date.now() + Math.max(0, durationMs() - untrack(positionMs)))}
          audio={screening.audio()}
          text={screening.text()}
          onClose={() => setPanel(null)}
        />
      </Show>
      <Show when={screening.complaint()?.running}>
        {(running) => (
          <StreamsPanel
            words={props.words}
            limit={running().limit}
            streams={running().streams}
            onStop={stopOther}
            onRetry={() => screening.retry()}
            onLeave={() => props.onClose()}
          />
        )}
      </Show>
      <Show when={trouble() && !screening.complaint()?.running}>
        <TroublePanel
          title={screening.stopped() !== null ? text("stop.title") : text(`failure.${screening.complaint()?.trouble ?? "server"}.title`)}
          help={screening.stopped() !== null ? text(stopWord(screening.stopped())) : text(`failure.${screening.complaint()?.trouble ?? "server"}.help`)}
          detail={screening.stopped() ?? screening.complaint()?.detail ?? ""}
          actions={signedOut() ? [{ label: text("signIn"), run: leave }] : [
            // Where the profile may not see it, trying again changes nothing.
            ...(screening.stopped() === "profile" ? [] : [{ label: text("retry"), run: () => screening.retry() }]),
            { label: text("toTitle"), run: leave },
          ]}
          onBack={leave}
        />
      </Show>
    </div>
  );
}

function Buttons(props: { shown: boolean; buttons: readonly Button[] }): JSX.Element {
  const zone = useZone({
    id: "buttons",
    shape: { kind: "row" },
    count: () => (props.shown ? props.buttons.length : 0),
    entry: "first",
    onPress: (index) => props.buttons[index]?.run(),
  });
  // By number, not by value: a button that changes its word must not be made anew, or it loses the focus.
  return (
    <div class="play-buttons-row">
      <For each={Array.from({ length: props.buttons.length }, (_, n) => n)}>
        {(n) => (
          <button
            type="button"
            class="play-control"
            classList={{ "play-transport": props.buttons[n]?.transport ?? false, "play-transport-main": props.buttons[n]?.icon === "play" || props.buttons[n]?.icon === "pause" }}
            aria-label={props.buttons[n]?.label}
            {...zone.item(n)}
          >
            <Icon name={props.buttons[n]?.icon ?? "info"} />
            <span class="play-control-word" aria-hidden="true">
              {props.buttons[n]?.label}
            </span>
          </button>
        )}
      </For>
    </div>
  );
}

function stopWord(reason: string | null): PlayerWord {
  if (reason === "stream_limit" || reason === "streams" || reason === "too_many_streams") return "stop.streams";
  if (reason === "plan") return "stop.plan";
  if (reason === SIGNED_OUT) return "stop.signedOut";
  if (reason === "profile") return "stop.profile";
  if (reason === "other_screen") return "stop.otherScreen";
  return reason === "ended" || reason === "rights" || reason === "window" ? "stop.ended" : "stop.other";
}
