// A QR code that a phone reads from the sofa: dark on white with the quiet edge that the standard asks for (ISO/IEC 18004).

import type { JSX } from "solid-js";
import { encode } from "uqr";

const QUIET_EDGE = 4;

/** The dark squares as one path, one unit each, and how many units the code is wide with its edge. */
export function squares(text: string): { path: string; size: number } {
  const { data, size } = encode(text, { ecc: "M", border: QUIET_EDGE });
  const path = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return { path, size };
}

export function QrCode(props: { text: string; label: string }): JSX.Element {
  const code = (): { path: string; size: number } => squares(props.text);
  return (
    <svg class="qr" role="img" aria-label={props.label} viewBox={`0 0 ${code().size} ${code().size}`} shape-rendering="crispEdges">
      <rect width="100%" height="100%" fill="#fff" />
      <path d={code().path} fill="#0b0d12" />
    </svg>
  );
}
