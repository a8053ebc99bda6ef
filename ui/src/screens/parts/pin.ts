// The pad of the PIN as data: twelve keys in three columns, and what has been entered after one more of them.

export type PinKey = { readonly kind: "digit"; readonly digit: string } | { readonly kind: "erase" | "cancel" };

export const PIN_LENGTH = 4;
export const PIN_COLUMNS = 3;

const digit = (one: number): PinKey => ({ kind: "digit", digit: String(one) });

export const PIN_KEYS: readonly PinKey[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(digit),
  { kind: "cancel" },
  digit(0),
  { kind: "erase" },
];

export function entered(pin: string, key: PinKey): string {
  if (key.kind === "digit") return (pin + key.digit).slice(0, PIN_LENGTH);
  return key.kind === "erase" ? pin.slice(0, -1) : "";
}

/** A digit of a remote or of a keyboard; null for any other key. */
export function digitOf(key: string): PinKey | null {
  return /^[0-9]$/.test(key) ? { kind: "digit", digit: key } : null;
}
