// The player's icons, on the same grid and with the same stroke as the other screens' (parts/icons.tsx).

import type { JSX } from "solid-js";

const STROKES = {
  back: "M14.5 5.5 8 12l6.5 6.5",
  back10: "M4.6 9.2 7.8 5.9M4.6 9.2l3.9 2.2M4.8 9.1A8 8 0 1 1 4 13.6",
  on10: "M19.4 9.2l-3.2-3.3M19.4 9.2l-3.9 2.2M19.2 9.1a8 8 0 1 0 .8 4.5",
  restart: "M6 5.5v13M18.5 6.2v11.6a.6.6 0 0 1-.93.5L9 12.5a.6.6 0 0 1 0-1l8.57-5.8a.6.6 0 0 1 .93.5Z",
  next: "M18 5.5v13M5.5 6.2v11.6a.6.6 0 0 0 .93.5L15 12.5a.6.6 0 0 0 0-1L6.43 5.7a.6.6 0 0 0-.93.5Z",
  tracks:
    "M4.6 5.5h14.8a.9.9 0 0 1 .9.9v9.7a.9.9 0 0 1-.9.9H12l-4 3.2V17H4.6a.9.9 0 0 1-.9-.9V6.4a.9.9 0 0 1 .9-.9ZM7.3 11h4M14 11h2.7M7.3 13.8h2M12 13.8h4.7",
  info: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 11.3V16M12 8.2v.01",
  sound: "M4.5 9.6v4.8h3.2l4.6 3.9V5.7L7.7 9.6H4.5ZM15.6 9.3a4 4 0 0 1 0 5.4M18 6.9a7.4 7.4 0 0 1 0 10.2",
  muted: "M4.5 9.6v4.8h3.2l4.6 3.9V5.7L7.7 9.6H4.5ZM16 9.8l4.4 4.4M20.4 9.8 16 14.2",
  fullScreen: "M9 4.5H5.3a.8.8 0 0 0-.8.8V9M15 4.5h3.7a.8.8 0 0 1 .8.8V9M9 19.5H5.3a.8.8 0 0 1-.8-.8V15M15 19.5h3.7a.8.8 0 0 0 .8-.8V15",
  window: "M4.5 9h3.7a.8.8 0 0 0 .8-.8V4.5M19.5 9h-3.7a.8.8 0 0 1-.8-.8V4.5M4.5 15h3.7a.8.8 0 0 1 .8.8v3.7M19.5 15h-3.7a.8.8 0 0 0-.8.8v3.7",
  check: "M5 12.6 10 17.5 19 7",
} as const;

const SOLIDS = {
  play: "M7.5 4.9v14.2a.7.7 0 0 0 1.07.6l11.3-7.1a.7.7 0 0 0 0-1.2L8.57 4.3a.7.7 0 0 0-1.07.6Z",
  pause: "M7 4.6h2.6a.6.6 0 0 1 .6.6v13.6a.6.6 0 0 1-.6.6H7a.6.6 0 0 1-.6-.6V5.2a.6.6 0 0 1 .6-.6ZM14.4 4.6H17a.6.6 0 0 1 .6.6v13.6a.6.6 0 0 1-.6.6h-2.6a.6.6 0 0 1-.6-.6V5.2a.6.6 0 0 1 .6-.6Z",
} as const;

export type PlayerIcon = keyof typeof STROKES | keyof typeof SOLIDS;

export function Icon(props: { name: PlayerIcon }): JSX.Element {
  const solid = (): string | undefined => (SOLIDS as Record<string, string>)[props.name];
  return (
    <svg class="play-icon" viewBox="0 0 24 24" aria-hidden="true">
      <path
        d={solid() ?? STROKES[props.name as keyof typeof STROKES]}
        fill={solid() ? "currentColor" : "none"}
        stroke={solid() ? "none" : "currentColor"}
        stroke-width="1.75"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
      {props.name === "back10" || props.name === "on10" ? (
        <text x="12.2" y="16.1" text-anchor="middle" font-size="6.6" font-weight="700" fill="currentColor">
          10
        </text>
      ) : null}
    </svg>
  );
}
