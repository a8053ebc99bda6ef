// What opens over the film: the choice of audio and subtitles, and what is being watched.

import { For, type JSX, Show } from "solid-js";
import type { Tile } from "../../api/types";
import type { Words } from "../../base/i18n";
import { Layer, useZone } from "../../focus/solid";
import type { AudioChoice, Quality, TextChoice } from "../../player/port";
import { Icon } from "./icons";
import { type PlayerWord, say } from "./words";

export interface Choice {
  readonly id: string | null;
  readonly label: string;
  readonly active: boolean;
}

export function audioChoices(tracks: readonly AudioChoice[], words: Words): Choice[] {
  return tracks.map((track) => ({ id: track.id, active: track.active, label: named(track, words, track.role === "main" ? null : track.role) }));
}

export function textChoices(tracks: readonly TextChoice[], words: Words): Choice[] {
  const off: Choice = { id: null, label: say(words.language, "off"), active: !tracks.some((track) => track.active) };
  return [off, ...tracks.map((track) => ({ id: track.id, active: track.active, label: named(track, words, track.role === "subtitle" ? null : track.role) }))];
}

function named({ language, label }: { language: string; label: string }, words: Words, role: PlayerWord | null): string {
  const name = language === "" || language === "und" ? label || words.languageName("und") : words.languageName(language);
  return role === null ? name : say(words.language, role, { language: name });
}

/** "S1 E2 · Name" of an episode, nothing of a film. */
export function episodeLine(tile: Tile | undefined, words: Words): string | null {
  if (!tile?.series) return null;
  return `${say(words.language, "episode", { season: tile.series.season, episode: tile.series.episode })} · ${tile.name}`;
}

export function headline(tile: Tile | undefined): string {
  return tile?.series?.name ?? tile?.name ?? "";
}

interface TracksProps {
  words: Words;
  audio: readonly AudioChoice[];
  text: readonly TextChoice[];
  onAudio(id: string): void;
  onText(id: string | null): void;
  onClose(): void;
}

export function TracksPanel(props: TracksProps): JSX.Element {
  return (
    <Layer
      id="player-tracks"
      label={say(props.words.language, "tracks")}
      role="dialog"
      class="play-panel play-panel-tracks"
      order={["audio", "text"]}
      initial={props.text.length > 0 ? "text" : "audio"}
      onBack={() => {
        props.onClose();
        return true;
      }}
      onKey={({ action, phase, repeat }) => {
        if (action !== "subtitles" || phase !== "down" || repeat) return false;
        props.onClose();
        return true;
      }}
    >
      <div class="play-panel-back" onClick={() => props.onClose()} />
      <div class="play-panel-sheet">
        <List
          zone="audio"
          beside={{ right: "text" }}
          title={say(props.words.language, "audio")}
          choices={audioChoices(props.audio, props.words)}
          onChoose={(id) => id !== null && props.onAudio(id)}
        />
        <List
          zone="text"
          beside={{ left: "audio" }}
          title={say(props.words.language, "subtitles")}
          choices={textChoices(props.text, props.words)}
          onChoose={(id) => props.onText(id)}
        />
      </div>
    </Layer>
  );
}

interface ListProps {
  zone: string;
  beside: { left?: string; right?: string };
  title: string;
  choices: readonly Choice[];
  onChoose(id: string | null): void;
}

function List(props: ListProps): JSX.Element {
  const zone = useZone({
    id: props.zone,
    shape: { kind: "column" },
    count: () => props.choices.length,
    start: Math.max(0, props.choices.findIndex((choice) => choice.active)),
    exits: { up: null, down: null, ...props.beside },
    onPress: (index) => {
      const choice = props.choices[index];
      if (choice) props.onChoose(choice.id);
    },
  });
  return (
    <section class="play-choices">
      <h2 id={`player-${props.zone}`}>{props.title}</h2>
      <div role="radiogroup" aria-labelledby={`player-${props.zone}`}>
        <For each={props.choices.map((_, n) => n)}>
          {(n) => (
            <button
              type="button"
              class="play-choice"
              role="radio"
              aria-checked={props.choices[n]?.active ? "true" : "false"}
              {...zone.item(n)}
            >
              <span class="play-choice-mark">
                <Show when={props.choices[n]?.active}>
                  <Icon name="check" />
                </Show>
              </span>
              <span dir="auto">{props.choices[n]?.label}</span>
            </button>
          )}
        </For>
      </div>
    </section>
  );
}

interface InfoProps {
  words: Words;
  tile: Tile | undefined;
  quality: Quality | null;
  /** The lines of the tallest picture that the home's plan gives; null: no limit. */
  atMost: number | null;
  endsAt: Date;
  audio: readonly AudioChoice[];
  text: readonly TextChoice[];
  onClose(): void;
}

export function InfoPanel(props: InfoProps): JSX.Element {
  const language = (): Words["language"] => props.words.language;
  const chosen = (choices: readonly Choice[]): string => choices.find((choice) => choice.active)?.label ?? "";
  const close = (): boolean => {
    props.onClose();
    return true;
  };
  const facts = (): string[] => {
    const { tile } = props;
    if (!tile) return [];
    return [
      ...(tile.year === null ? [] : [String(tile.year)]),
      ...(tile.duration_ms === null ? [] : [props.words.duration(tile.duration_ms)]),
      ...(tile.age_class === 0 ? [] : [`${tile.age_class}+`]),
      ...tile.genres.slice(0, 2).map(props.words.genre),
      say(language(), "endsAt", { time: props.endsAt.toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit" }) }),
    ];
  };
  const picture = (): string => {
    const { quality } = props;
    if (!quality || quality.height === 0) return "";
    const rate = new Intl.NumberFormat(language(), { maximumFractionDigits: 1, minimumFractionDigits: 1 }).format(quality.bitrate / 1e6);
    return `${quality.height}p · ${say(language(), "megabits", { n: rate })} · ${quality.format.toUpperCase()}`;
  };
  return (
    <Layer
      id="player-info"
      label={say(language(), "info")}
      role="dialog"
      class="play-panel play-panel-info"
      order={["close"]}
      initial="close"
      onBack={close}
      onKey={({ action, phase }) => phase === "down" && (action === "up" || action === "down") && close()}
    >
      <div class="play-panel-back" onClick={() => props.onClose()} />
      <div class="play-panel-sheet">
        <Show when={episodeLine(props.tile, props.words)}>{(line) => <p class="play-eyebrow">{line()}</p>}</Show>
        <h1 class="play-info-name" dir="auto">
          {headline(props.tile)}
        </h1>
        <p class="play-info-facts">
          <For each={facts()}>{(fact) => <span>{fact}</span>}</For>
        </p>
        <p class="play-info-synopsis" dir="auto">
          {props.tile?.synopsis_short}
        </p>
        <dl class="play-info-list">
          <Show when={picture()}>
            <dt>{say(language(), "picture")}</dt>
            <dd>{picture()}</dd>
          </Show>
          <Show when={props.atMost}>
            {(height) => (
              <>
                <dt>{say(language(), "plan")}</dt>
                <dd>{say(language(), "atMost", { n: height() })}</dd>
              </>
            )}
          </Show>
          <dt>{say(language(), "sound")}</dt>
          <dd>{chosen(audioChoices(props.audio, props.words))}</dd>
          <dt>{say(language(), "subtitles")}</dt>
          <dd>{chosen(textChoices(props.text, props.words))}</dd>
        </dl>
        <CloseButton label={say(language(), "close")} onPress={() => props.onClose()} />
      </div>
    </Layer>
  );
}

function CloseButton(props: { label: string; onPress(): void }): JSX.Element {
  const zone = useZone({ id: "close", shape: { kind: "row" }, count: () => 1, onPress: () => props.onPress() });
  return (
    <button type="button" class="play-pill" {...zone.item(0)}>
      {props.label}
    </button>
  );
}
