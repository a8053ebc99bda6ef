// The on-screen keyboard as data: rows of keys, all of equal length, so that the grid needs no measuring.

import type { KeyboardLayout } from "../context";

export type Key = { readonly kind: "letter"; readonly text: string } | { readonly kind: "space" | "erase" | "clear" | "layout" };

export interface Keys {
  readonly columns: number;
  readonly keys: readonly Key[];
}

function letters(text: string): Key[] {
  return [...text].map((letter) => ({ kind: "letter", text: letter }));
}

export const LAYOUTS: Readonly<Record<KeyboardLayout, Keys>> = {
  azerty: {
    columns: 10,
    keys: letters("azertyuiopqsdfghjklmwxcvbn'-&!1234567890"),
  },
  alphabet: {
    columns: 6,
    keys: letters("abcdefghijklmnopqrstuvwxyz1234567890"),
  },
};

/** Under the letters, in both layouts. */
export const TOOLS: readonly Key[] = [{ kind: "space" }, { kind: "erase" }, { kind: "clear" }, { kind: "layout" }];

export const QUERY_MAX = 60;

/** What has been typed after one more key. */
export function typed(query: string, key: Key): string {
  if (key.kind === "letter") return (query + key.text).slice(0, QUERY_MAX);
  if (key.kind === "space") return query === "" || query.endsWith(" ") ? query : `${query} `;
  if (key.kind === "erase") return [...query].slice(0, -1).join("");
  return key.kind === "clear" ? "" : query;
}
