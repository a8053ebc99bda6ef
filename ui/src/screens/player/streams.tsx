// The home watches on as many screens as it may: which ones, and OK on one stops it and plays here.

import { type Accessor, createSignal, For, type JSX, Show } from "solid-js";
import type { Id, RunningStream } from "../../api/types";
import type { Words } from "../../base/i18n";
import { Layer, useZone } from "../../focus/solid";
import { Ways } from "./trouble";
import { say } from "./words";

export interface StreamsProps {
  words: Words;
  /** How many the home may see at once. */
  limit: number;
  streams: readonly RunningStream[];
  /** Stops one of them and plays here; resolves to false where it could not be stopped. */
  onStop(session: Id): Promise<boolean>;
  onRetry(): void;
  onLeave(): void;
}

/** "Living room" of a box, "A browser or a phone" of the rest. */
export function screenName(stream: RunningStream, words: Words): string {
  return stream.screen.label || say(words.language, stream.screen.kind === "box" ? "streams.box" : "streams.web");
}

/** What runs there: its name where this profile may see it, else that it is another film; and since when. */
export function whatRuns(stream: RunningStream, words: Words): string {
  const { language } = words;
  const tile = stream.title;
  const name = tile === null ? say(language, "streams.another") : (tile.series?.name ?? tile.name);
  const time = new Date(stream.since).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
  return say(language, "streams.since", { name, time });
}

export function StreamsPanel(props: StreamsProps): JSX.Element {
  const [stopping, setStopping] = createSignal<Id | null>(null);
  const [failed, setFailed] = createSignal(false);
  const language = (): Words["language"] => props.words.language;

  async function stop({ session_id: session }: RunningStream): Promise<void> {
    if (stopping() !== null) return;
    setFailed(false);
    setStopping(session);
    const done = await props.onStop(session);
    setStopping(null);
    setFailed(!done);
  }

  return (
    <Layer
      id="player-streams"
      label={say(language(), "streams.title")}
      role="dialog"
      class="play-panel play-panel-trouble"
      order={["streams", "ways"]}
      initial="streams"
      onBack={() => {
        props.onLeave();
        return true;
      }}
    >
      <div class="play-trouble">
        <h1>{say(language(), "streams.title")}</h1>
        <p role="alert">{say(language(), props.limit === 1 ? "streams.helpOne" : "streams.help", { n: props.limit })}</p>
        <Running words={props.words} streams={props.streams} stopping={stopping} onChoose={(one) => void stop(one)} />
        <Show when={failed()}>
          <p class="play-streams-failed" role="status">
            {say(language(), "streams.failed")}
          </p>
        </Show>
        <Ways
          actions={[
            { label: say(language(), "retry"), run: () => props.onRetry() },
            { label: say(language(), "toTitle"), run: () => props.onLeave() },
          ]}
        />
      </div>
    </Layer>
  );
}

interface RunningProps {
  words: Words;
  streams: readonly RunningStream[];
  stopping: Accessor<Id | null>;
  onChoose(stream: RunningStream): void;
}

function Running(props: RunningProps): JSX.Element {
  const zone = useZone({
    id: "streams",
    shape: { kind: "column" },
    count: () => props.streams.length,
    onPress: (index) => {
      const one = props.streams[index];
      if (one) props.onChoose(one);
    },
  });
  return (
    <ul class="play-streams">
      <For each={props.streams}>
        {(one, index) => (
          <li>
            <button type="button" class="play-stream" {...zone.item(index())}>
              <span class="play-stream-screen" dir="auto">
                {screenName(one, props.words)}
              </span>
              <span class="play-stream-film" dir="auto">
                {whatRuns(one, props.words)}
              </span>
              <span class="play-stream-act">
                {say(props.words.language, props.stopping() === one.session_id ? "loading" : "streams.stop")}
              </span>
            </button>
          </li>
        )}
      </For>
    </ul>
  );
}
