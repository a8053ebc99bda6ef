// Made once by the app: what the title's page says to have a start predicted, and what the player's screen asks to have a film.

import type { Client } from "../api/client";
import type { Id } from "../api/types";
import { browserTransport, type ReportTransport } from "../telemetry/reporter";
import { createPlayer, warmEngine } from "./engine";
import { Play } from "./play";
import type { PlayerFactory } from "./port";
import { Predictor } from "./predict";
import { UnsentEnds, type UnsentStore } from "./unsent";

export interface Plays {
  /** For the title's page: `hint` when Play gets the focus, `cancel` when it loses it. */
  readonly predictor: Pick<Predictor<Play>, "hint" | "cancel" | "stage">;
  /**
   * OK was pressed: a film that stands ready begins now, over whatever is on the screen, and `open` hands it to the player's
   * screen when that has come. False where none is ready: nothing has happened. On a slow box building the screen takes
   * longer than the film's first picture, which should not wait for it.
   */
  begin(titleId: Id): boolean;
  /**
   * OK was pressed. The play of a title, loaded and paused: the prepared one, or a fresh one. Rejects with ApiError or NetworkError when the
   * server gives no session, with PlayerFailure when the film cannot be loaded. `signal`: nobody waits for it any more.
   */
  open(titleId: Id, signal?: AbortSignal): Promise<Play>;
  /** Stops a film at another screen of the home, with what its PIN gave where that is asked. Rejects with ApiError or NetworkError. */
  stop(session: Id, unlock?: string): Promise<void>;
  /** Fetches the player in idle time, and tells what could not be told before; called once after the first paint. */
  warm(): void;
}

/** Where a film stands that began before its screen was there; the screen takes this away. */
const OVER_ALL = { position: "fixed", inset: "0", width: "100%", height: "100%", background: "#000", zIndex: "19" } as const;
/** A film that was begun and that no screen took within this time is ended. */
const UNTAKEN_MS = 5_000;

export interface PlaysOptions {
  readonly client: Pick<Client, "playback" | "heartbeat" | "endPlayback" | "stopPlayback">;
  /** The profile that watches; read at each play, since it changes. */
  profileId(): Id;
  readonly createPlayer?: PlayerFactory;
  readonly reports?: ReportTransport;
  /** What outlives the page: the ends of films that nobody heard of. Without it they last as long as the page. */
  readonly store?: UnsentStore;
  now?(): number;
}

function memoryStore(): UnsentStore {
  const kept = new Map<string, string | null>();
  return { get: (key) => kept.get(key) ?? null, set: (key, value) => void kept.set(key, value) };
}

export function createPlays(options: PlaysOptions): Plays {
  const factory = options.createPlayer ?? createPlayer;
  const ports = {
    client: options.client,
    ends: new UnsentEnds(options.client, options.store ?? memoryStore(), options.now ?? (() => Date.now())),
    reports: options.reports ?? browserTransport,
    now: options.now ?? (() => Date.now()),
  };

  /** With `pressedAt`, OK has been pressed for it, and a failure to load is told of; without, it is a prediction, and silent. */
  async function load(titleId: Id, signal: AbortSignal | undefined, pressedAt: number | null): Promise<Play> {
    // The player is made while the session is asked for: neither waits for the other.
    const asked = options.client.playback(titleId, options.profileId(), { signal, prepares: pressedAt === null });
    const [answer, port] = await Promise.allSettled([asked, factory()]);
    if (answer.status === "rejected" || port.status === "rejected") {
      if (port.status === "fulfilled") void port.value.dispose();
      throw answer.status === "rejected" ? answer.reason : (port as PromiseRejectedResult).reason;
    }
    const play = new Play(titleId, answer.value, port.value, ports);
    const giveUp = (): void => void play.end();
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      if (pressedAt !== null) play.press(pressedAt);
      signal?.throwIfAborted();
      await play.port.preload(answer.value);
      signal?.throwIfAborted();
    } catch (error) {
      void play.end();
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
    return play;
  }

  const predictor = new Predictor<Play>({
    prepare: (titleId, signal) => load(titleId, signal, null),
    discard: (play) => void play.end(),
  });

  let begun: { play: Play; timer: ReturnType<typeof setTimeout> } | null = null;

  function takeBegun(titleId: Id): Play | null {
    const taken = begun;
    begun = null;
    if (!taken) return null;
    clearTimeout(taken.timer);
    if (taken.play.titleId === titleId) return taken.play;
    void taken.play.end();
    return null;
  }

  return {
    predictor,
    warm() {
      warmEngine();
      void ports.ends.retry();
    },
    stop: (session, unlock = "") => options.client.stopPlayback(session, { unlock }),
    begin(titleId) {
      const play = predictor.takeReady(titleId);
      if (!play) return false;
      takeBegun("");
      play.press(ports.now());
      Object.assign(play.port.element.style, OVER_ALL);
      document.body.append(play.port.element);
      // A failure is the screen's to show: it hears of it from the port.
      void play.start(false).catch(() => undefined);
      begun = { play, timer: setTimeout(() => takeBegun(""), UNTAKEN_MS) };
      return true;
    },
    async open(titleId, signal) {
      const early = takeBegun(titleId);
      if (early) return early;
      const pressedAt = ports.now();
      const play = await predictor.take(titleId)?.catch(() => null);
      // A prediction that failed is asked for again: that answer says what is wrong.
      if (!play) return load(titleId, signal, pressedAt);
      if (signal?.aborted) {
        void play.end();
        throw signal.reason;
      }
      play.press(pressedAt);
      return play;
    },
  };
}
