// Drawn by us on a 24-unit grid with one stroke of 1.75, round ends. An icon never stands alone without a name nearby.

import type { JSX } from "solid-js";

const PATHS = {
  home: "M4 11.2 12 4.5l8 6.7M6.2 9.6V19a.6.6 0 0 0 .6.6h3.5v-5h3.4v5h3.5a.6.6 0 0 0 .6-.6V9.6",
  search: "M10.8 17.3a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.6 15.6 20 20",
  settings: "M4 7.5h8.5M17.5 7.5H20M4 16.5h2.5M11.5 16.5H20M15 10a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM9 19a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  tracks: "M4.6 5.5h14.8a.9.9 0 0 1 .9.9v9.7a.9.9 0 0 1-.9.9H12l-4 3.2V17H4.6a.9.9 0 0 1-.9-.9V6.4a.9.9 0 0 1 .9-.9ZM7.3 11h4M14 11h2.7M7.3 13.8h2M12 13.8h4.7",
  restart: "M4.5 5v4.5H9M5 9.3a7.6 7.6 0 1 1-.6 4.5",
  back: "M14.5 5.5 8 12l6.5 6.5",
  next: "M9.5 5.5 16 12l-6.5 6.5",
  erase: "M8.8 6h10.4a.8.8 0 0 1 .8.8v10.4a.8.8 0 0 1-.8.8H8.8L3.5 12 8.8 6ZM11.5 9.7l4.6 4.6M16.1 9.7l-4.6 4.6",
  clear: "M6 6l12 12M18 6 6 18",
  space: "M4.5 10.5V14a1 1 0 0 0 1 1h13a1 1 0 0 0 1-1v-3.5",
  check: "M5 12.6 10 17.5 19 7",
  offline: "M4 4l16 16M5.2 12.2a10 10 0 0 1 4-2.3M14.3 9.8a10 10 0 0 1 4.5 2.4M8.3 15.4a5.6 5.6 0 0 1 6-1.2M12 19h.01",
  out: "M10.5 5.5H6.3a.8.8 0 0 0-.8.8v11.4a.8.8 0 0 0 .8.8h11.4a.8.8 0 0 0 .8-.8v-4.2M14 4.5h5.5V10M19.2 4.8 11.5 12.5",
  plus: "M12 5v14M5 12h14",
  up: "M7.5 11v8.5H4.7a.7.7 0 0 1-.7-.7v-7.1a.7.7 0 0 1 .7-.7h2.8Zm0 0 3.6-6.4a1.7 1.7 0 0 1 3.1 1.2L13.6 9.5h4.9a1.6 1.6 0 0 1 1.6 1.9l-1.3 6.6a1.8 1.8 0 0 1-1.8 1.5H7.5",
  down: "M7.5 13V4.5H4.7a.7.7 0 0 0-.7.7v7.1a.7.7 0 0 0 .7.7h2.8Zm0 0 3.6 6.4a1.7 1.7 0 0 0 3.1-1.2l-.6-3.7h4.9a1.6 1.6 0 0 0 1.6-1.9l-1.3-6.6A1.8 1.8 0 0 0 17 4.5H7.5",
  lock: "M7.2 10.5h9.6a.9.9 0 0 1 .9.9v7.2a.9.9 0 0 1-.9.9H7.2a.9.9 0 0 1-.9-.9v-7.2a.9.9 0 0 1 .9-.9ZM8.7 10.5V8a3.3 3.3 0 0 1 6.6 0v2.5",
  pen: "M5 19l.8-3.6L15.6 5.6a1.5 1.5 0 0 1 2.1 0l.7.7a1.5 1.5 0 0 1 0 2.1L8.6 18.2 5 19ZM14 7.2l2.8 2.8",
  info: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 11.3V16M12 8.2v.01",
} as const;

export type IconName = keyof typeof PATHS | "play";

export function Icon(props: { name: IconName; class?: string }): JSX.Element {
  return (
    <svg class={`icon ${props.class ?? ""}`} viewBox="0 0 24 24" aria-hidden="true">
      {props.name === "play" ? (
        <path d="M7.5 4.9v14.2a.7.7 0 0 0 1.07.6l11.3-7.1a.7.7 0 0 0 0-1.2L8.57 4.3a.7.7 0 0 0-1.07.6Z" fill="currentColor" />
      ) : (
        <path
          d={PATHS[props.name]}
          fill="none"
          stroke="currentColor"
          stroke-width="1.75"
          stroke-linecap="round"
          stroke-linejoin="round"
        />
      )}
    </svg>
  );
}

/** The wordmark: the name in type, and the beam of a projector in place of the dot on the i. */
export function Wordmark(): JSX.Element {
  return (
    <span class="wordmark" aria-hidden="true">
      mat<span class="wordmark-i">ı</span>nee
    </span>
  );
}
