// A person's picture: a letter, or one of a few drawings. Drawn by us on a 48-unit grid in two tones of ink, on the person's
// own colour. The names are part of the API (members/profile_rules.py): one that is not known here shows the letter.

import { For, type JSX, Show } from "solid-js";

/** Dark shapes, then light ones upon them. */
const DRAWINGS: Readonly<Record<string, { dark: string[]; light: string[] }>> = {
  fox: {
    dark: ["M9 10 18 18h12l9-8v17a15 15 0 0 1-30 0Z"],
    light: ["M11 27c5 0 9 4 13 11 4-7 8-11 13-11a13 13 0 0 1-26 0ZM17 24a2 2 0 1 0 .1 0ZM31 24a2 2 0 1 0 .1 0Z"],
  },
  owl: {
    dark: ["M10 9c5 3 9 3 14 3s9 0 14-3v18a14 14 0 0 1-28 0Z"],
    light: ["M17.5 17a5.5 5.5 0 1 0 .1 0ZM30.5 17a5.5 5.5 0 1 0 .1 0ZM24 27l3 4-3 4-3-4Z"],
  },
  whale: {
    dark: ["M6 26c0-8 7-12 15-12 10 0 14 8 20 6 1 8-6 17-18 17C12 37 6 33 6 26ZM34 20c0-5-3-8-5-9 4-1 7 1 8 3 1-3 4-5 7-4-1 5-4 9-10 10Z"],
    light: ["M14 24a1.8 1.8 0 1 0 .1 0ZM9 30c6 3 14 3 21-1-4 6-9 7-12 7-4 0-7-2-9-6Z"],
  },
  cat: {
    dark: ["M10 9l8 7h12l8-7v18c0 7-6 12-14 12S10 34 10 27Z"],
    light: ["M18 23a2.2 2.6 0 1 0 .1 0ZM30 23a2.2 2.6 0 1 0 .1 0ZM22 29h4l-2 3Z"],
  },
  star: {
    dark: ["M24 6l5.5 11.6 12.5 1.6-9.2 8.7 2.4 12.6L24 34.3 12.8 40.5l2.4-12.6L6 19.2l12.5-1.6Z"],
    light: ["M19.5 22a1.9 1.9 0 1 0 .1 0ZM28.5 22a1.9 1.9 0 1 0 .1 0ZM20 28a4 4 0 0 0 8 0Z"],
  },
  moon: {
    dark: ["M31 7a18 18 0 1 0 10 27A16 16 0 0 1 31 7Z"],
    light: ["M16 22a2 2 0 1 0 .1 0ZM15 30a4 3 0 0 0 7 1ZM36 12l1.5 3 3 1.5-3 1.5-1.5 3-1.5-3-3-1.5 3-1.5Z"],
  },
  rocket: {
    dark: ["M24 5c7 5 9 12 9 19l5 6v7l-8-4H18l-8 4v-7l5-6c0-7 2-14 9-19ZM20 36h8l-4 8Z"],
    light: ["M24 16a4.5 4.5 0 1 0 .1 0Z"],
  },
  leaf: {
    dark: ["M8 38C6 18 18 8 41 8c0 21-9 33-25 30l-5 4Z"],
    light: ["M13 36C17 26 23 20 32 15 26 22 21 28 17 37Z"],
  },
};

export const AVATARS: readonly string[] = ["", ...Object.keys(DRAWINGS)];

export const COLORS: readonly string[] = [
  "#c8553d", "#e0913a", "#d9b93b", "#5fa35b", "#3d7ea6", "#5b6fd0", "#9a5fb5", "#c76a94",
];

/** A letter is drawn by CSS: it is a picture of a person, not a word of the name. */
export function Avatar(props: { name: string; color: string; avatar?: string }): JSX.Element {
  const drawing = () => DRAWINGS[props.avatar ?? ""];
  const letter = (): string => (drawing() ? "" : ([...props.name.trim()][0]?.toLocaleUpperCase() ?? ""));
  return (
    <span class="avatar" style={{ "--own": props.color }} data-letter={letter()} aria-hidden="true">
      <Show when={drawing()}>
        {(drawn) => (
          <svg viewBox="0 0 48 48">
            <For each={drawn().dark}>{(path) => <path d={path} fill="#14161d" />}</For>
            <For each={drawn().light}>{(path) => <path d={path} fill="#fffdf8" />}</For>
          </svg>
        )}
      </Show>
    </span>
  );
}
