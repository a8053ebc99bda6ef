// A play as Solid signals: opened when the screen comes, ended when it goes, opened again after a failure.

import { type Accessor, batch, createSignal, onCleanup } from "solid-js";
import { Aborted, complaintOf, streamsOf } from "../../api/errors";
import type { DurationMs, RunningStream } from "../../api/types";
import type { Play } from "../../player/play";
import type { Plays } from "../../player/plays";
import { PlayerFailure, type AudioChoice, type PlayerState, type Quality, type Subtitle, type TextChoice } from "../../player/port";
import type { Trouble } from "./words";

export interface Complaint {
  readonly trouble: Trouble;
  /** Small print for whoever looks into it. */
  readonly detail: string;
  /** Where the home sees as many films as it may: which ones, and how many that is. */
  readonly running?: { readonly limit: number; readonly streams: readonly RunningStream[] } | null;
}

/** The server's word for a play that has no place among the home's streams (any more). */
const NO_PLACE = "streams";

export interface Screening {
  readonly play: Accessor<Play | null>;
  readonly state: Accessor<PlayerState>;
  readonly positionMs: Accessor<DurationMs>;
  readonly durationMs: Accessor<DurationMs>;
  /** Up to where the film is there without waiting. */
  readonly bufferedMs: Accessor<DurationMs>;
  readonly subtitles: Accessor<readonly Subtitle[]>;
  readonly audio: Accessor<readonly AudioChoice[]>;
  readonly text: Accessor<readonly TextChoice[]>;
  readonly quality: Accessor<Quality | null>;
  readonly complaint: Accessor<Complaint | null>;
  /** The server's reason for ending this play. */
  readonly stopped: Accessor<string | null>;
  /** Ends what there is and asks anew; the film goes on where it stopped. */
  retry(): void;
}

export interface ScreeningOptions {
  readonly plays: Plays;
  readonly titleId: string;
  readonly fromStart: boolean;
  /** Puts the picture in its place; called before the film starts. */
  mount(element: HTMLVideoElement): void;
}

export function createScreening(options: ScreeningOptions): Screening {
  const [play, setPlay] = createSignal<Play | null>(null);
  const [state, setState] = createSignal<PlayerState>("loading");
  const [positionMs, setPosition] = createSignal(0);
  const [durationMs, setDuration] = createSignal(0);
  const [bufferedMs, setBuffered] = createSignal(0);
  const [subtitles, setSubtitles] = createSignal<readonly Subtitle[]>([]);
  const [audio, setAudio] = createSignal<readonly AudioChoice[]>([]);
  const [text, setText] = createSignal<readonly TextChoice[]>([]);
  const [quality, setQuality] = createSignal<Quality | null>(null);
  const [complaint, setComplaint] = createSignal<Complaint | null>(null);
  const [stopped, setStopped] = createSignal<string | null>(null);
  let wanted = new AbortController();
  let fromStart = options.fromStart;

  function complain(error: unknown): void {
    setState("failed");
    if (error instanceof PlayerFailure) setComplaint({ trouble: error.code, detail: `${error.code} ${error.detail}` });
    else setComplaint({ trouble: troubleOf(error), detail: error instanceof Error ? error.message : "", running: streamsOf(error) });
  }

  function follow(now: Play): void {
    const { port } = now;
    const here = (): void => {
      batch(() => {
        setPosition(port.positionMs);
        setDuration(port.durationMs || now.playback.duration_ms);
        const position = port.positionMs;
        setBuffered(port.buffered.find(({ startMs, endMs }) => startMs <= position + 250 && position <= endMs)?.endMs ?? position);
      });
    };
    const tracks = (): void => {
      batch(() => {
        setAudio(port.audio);
        setText(port.text);
      });
    };
    port.on("state", setState);
    port.on("time", here);
    port.on("subtitles", setSubtitles);
    port.on("tracks", tracks);
    port.on("quality", setQuality);
    port.on("error", complain);
    batch(() => {
      setPlay(now);
      setState(port.state);
      setQuality(port.quality);
      here();
      tracks();
      // It began before this screen was there, and failed meanwhile.
      if (port.state === "failed") complain(new PlayerFailure("engine", "early"));
    });
    now.onStop((reason) => {
      // Asked anew, the server gives a place that has come free, or names who holds them.
      if (reason === NO_PLACE) again();
      else setStopped(reason);
    });
  }

  async function open(): Promise<void> {
    const mine = new AbortController();
    wanted = mine;
    try {
      const opened = await options.plays.open(options.titleId, mine.signal);
      if (mine.signal.aborted) {
        void opened.end();
        return;
      }
      opened.port.element.removeAttribute("style");
      options.mount(opened.port.element);
      follow(opened);
      await opened.start(fromStart);
      // A film that starts again after a failure goes on where it was.
      fromStart = false;
    } catch (error) {
      if (!mine.signal.aborted && !(error instanceof Aborted)) complain(error);
    }
  }

  function close(): void {
    wanted.abort();
    void play()?.end();
  }

  function again(): void {
    close();
    batch(() => {
      setPlay(null);
      setState("loading");
      setComplaint(null);
      setStopped(null);
      setSubtitles([]);
    });
    void open();
  }

  onCleanup(close);
  void open();
  return {
    play,
    state,
    positionMs,
    durationMs,
    bufferedMs,
    subtitles,
    audio,
    text,
    quality,
    complaint,
    stopped,
    retry: again,
  };
}

/** Where the PIN is asked the screen leads to the profiles by itself: under it this one says what holds meanwhile. */
function troubleOf(error: unknown): Trouble {
  const why = complaintOf(error);
  return why === "pin" ? "notAllowed" : why;
}
