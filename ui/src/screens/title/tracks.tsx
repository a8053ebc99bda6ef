// The languages of sound and subtitles. What is chosen here is this profile's choice from now on, for every title that has
// it: nobody wants to say it again for each film.

import { createMemo, For, type JSX, Show } from "solid-js";
import type { LanguageTag, Title } from "../../api/types";
import { Layer, useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { Icon } from "../parts/icons";

interface Option {
  readonly value: LanguageTag | null;
  readonly label: string;
}

/** One entry a language: which of several tracks of it plays (description, commentary) is chosen in the player. */
export function languagesOf(tracks: readonly { language: LanguageTag }[]): LanguageTag[] {
  return [...new Set(tracks.map((track) => track.language))];
}

/** The entry that a preference points to: the same tag, else the same language ("fr" for "fr-CA"), else none. */
export function chosenIndex(options: readonly { value: LanguageTag | null }[], wished: LanguageTag | null): number {
  const exact = options.findIndex(({ value }) => value === wished);
  if (exact >= 0 || wished === null) return exact;
  return options.findIndex(({ value }) => value?.split("-")[0] === wished.split("-")[0]);
}

export function Tracks(props: { title: Title; onClose(): void }): JSX.Element {
  const seat = useSeat();
  const name = (tag: LanguageTag): string => seat.words().languageName(tag);
  const audio = createMemo((): Option[] =>
    languagesOf(props.title.audio).map((value) => ({ value, label: name(value) })),
  );
  const text = createMemo((): Option[] => [
    { value: null, label: seat.words().t("track.off") },
    ...languagesOf(props.title.subtitles).map((value) => ({ value, label: name(value) })),
  ]);
  return (
    <div class="sheet-frame" onClick={() => props.onClose()}>
      <Layer
        id="tracks"
        label={seat.words().t("title.tracks")}
        role="dialog"
        order={["audio", "subtitles", "done"]}
        initial="audio"
        onBack={() => {
          props.onClose();
          return true;
        }}
        class="sheet"
      >
        <Choices
          zone="audio"
          title={seat.words().t("title.audio")}
          options={audio()}
          chosen={chosenIndex(audio(), seat.profile().audio_language)}
          onChoose={(value) => value !== null && seat.setPreferences({ audio_language: value })}
        />
        <Choices
          zone="subtitles"
          title={seat.words().t("title.subtitles")}
          options={text()}
          chosen={chosenIndex(text(), seat.profile().subtitle_language)}
          onChoose={(value) => seat.setPreferences({ subtitle_language: value })}
        />
        <p class="sheet-help">{seat.words().t("track.kept")}</p>
        <Done onPress={props.onClose} />
      </Layer>
    </div>
  );
}

function Done(props: { onPress(): void }): JSX.Element {
  const { words } = useSeat();
  const zone = useZone({ id: "done", shape: { kind: "row" }, count: () => 1, onPress: () => props.onPress() });
  return (
    <button type="button" {...zone.item(0)} class="button sheet-done">
      {words().t("track.done")}
    </button>
  );
}

interface ChoicesProps {
  zone: string;
  title: string;
  options: readonly Option[];
  chosen: number;
  onChoose(value: LanguageTag | null): void;
}

function Choices(props: ChoicesProps): JSX.Element {
  const { words } = useSeat();
  const zone = useZone({
    id: props.zone,
    shape: { kind: "column" },
    count: () => props.options.length,
    start: Math.max(0, props.chosen),
    onPress: (index) => {
      const option = props.options[index];
      if (option) props.onChoose(option.value);
    },
  });
  const heading = `tracks-${props.zone}`;
  return (
    <section class="choices">
      <h2 id={heading}>{props.title}</h2>
      <Show when={props.options.length > 0} fallback={<p class="sheet-help">{words().t("track.none")}</p>}>
        <div role="radiogroup" aria-labelledby={heading}>
          <For each={props.options}>
            {(option, index) => (
              <button
                type="button"
                {...zone.item(index())}
                role="radio"
                aria-checked={index() === props.chosen}
                class="choice-line"
                dir="auto"
              >
                <span class="choice-mark">
                  <Show when={index() === props.chosen}>
                    <Icon name="check" />
                  </Show>
                </span>
                {option.label}
              </button>
            )}
          </For>
        </div>
      </Show>
    </section>
  );
}
