// CMCD version 2 (CTA-5004-B) as one line of an event report. Shaka can send such events itself; we write our own because a
// film that is prepared before OK must stay silent, because the start delay counts from OK and not from the load, and
// because the last event must survive the page (sendBeacon). The form is a structured-field dictionary (RFC 9651): keys in
// ascending order, no whitespace, lists where version 2 has lists.

export type PlayState = "s" | "p" | "k" | "r" | "a" | "w" | "e" | "f" | "q" | "d";
export type EventKind = "ps" | "e" | "t" | "bc" | "b" | "c" | "pr" | "m" | "um" | "pe" | "pc" | "sk" | "rr" | "ce";

/** A bare word of a structured field, for custom keys; the standard's own token keys need no such wrapping. */
export interface Token {
  readonly $token: string;
}

export type CmcdValue = string | number | boolean | Token | readonly (string | number)[];

/** What may be said in one event. Rates are kbit/s, times are ms. Undefined keys are left out. */
export interface CmcdEvent {
  readonly e: EventKind;
  /** ms since 1970 by this machine's clock, which the receiver does not trust */
  readonly ts: number;
  readonly [key: string]: CmcdValue | undefined;
}

/** Keys whose values are words, not strings. */
const TOKENS = new Set(["e", "ot", "sf", "st", "sta"]);
/** Keys that only a report about a response may carry. */
const RESPONSE_ONLY = new Set(["cmsdd", "cmsds", "rc", "smrt", "ttfb", "ttfbb", "ttlb", "url"]);
/** Rounded to the nearest hundred, so that the value tells little of the person and compresses well. */
const HUNDREDS = new Set(["bl", "dl", "mtp", "rtp"]);
const WHOLE = new Set(["br", "d", "tb", "bsd", "ltc", "msd", "pt", "ts"]);

const hasToken = (value: CmcdValue): value is Token => typeof value === "object" && "$token" in value;

function number(key: string, value: number): number {
  if (HUNDREDS.has(key)) return Math.round(value / 100) * 100;
  return WHOLE.has(key) ? Math.round(value) : value;
}

function item(key: string, value: string | number): string {
  if (typeof value === "number") return String(number(key, value));
  // Printable ASCII is all that a structured string may hold; anything else would make the whole line unreadable.
  return `"${value.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}

function member(key: string, value: CmcdValue): string {
  if (value === true) return key;
  if (value === false) return `${key}=?0`;
  if (Array.isArray(value)) return `${key}=(${value.map((entry: string | number) => item(key, entry)).join(" ")})`;
  if (typeof value === "object") return `${key}=${hasToken(value) ? value.$token : ""}`;
  if (typeof value === "string" && TOKENS.has(key)) return `${key}=${value}`;
  return `${key}=${item(key, value as string | number)}`;
}

/** Whether a key has something to say: false is said only where it is the event's point, 1 is the rate that all assume. */
function tells(event: CmcdEvent, key: string, value: CmcdValue | undefined): value is CmcdValue {
  if (value === undefined || value === "") return false;
  if (typeof value === "number" && !Number.isFinite(value)) return false;
  if (Array.isArray(value) && value.length === 0) return false;
  if (RESPONSE_ONLY.has(key) && event.e !== "rr") return false;
  if (key === "cen" && event.e !== "ce") return false;
  if (value === false) return key === "bg" && event.e === "b";
  if (key === "pr" && value === 1) return event.e === "pr";
  return true;
}

/** One event as one line, without its line end. `v=2` is added. */
export function encodeEvent(event: CmcdEvent): string {
  const said: Record<string, CmcdValue | undefined> = { ...event, v: 2 };
  return Object.keys(said)
    .sort()
    .flatMap((key) => {
      const value = said[key];
      return tells(event, key, value) ? [member(key, value)] : [];
    })
    .join(",");
}
