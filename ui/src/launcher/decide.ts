// What the launcher decides, apart from any browser. It outlives releases, so it is small, and knows three things by heart:
// its token, the last release that worked here, and how often each release was begun and never stood.

export interface Release {
  readonly version: string;
  readonly entry: string;
  readonly integrity: string;
  /** Addresses; or, where a release says so, each with its own hash. */
  readonly styles: readonly (string | { readonly href: string; readonly integrity?: string })[];
  /** Changes when the service wants a release that failed here to be tried again. */
  readonly attempt?: number;
}

export interface Memory {
  readonly token: string | null;
  /** The last release that stood on this box. */
  readonly good: Release | null;
  /** Starts that have not stood, by version and attempt, the newest last. */
  readonly failures: readonly (readonly [what: string, times: number])[];
}

export const NOTHING: Memory = { token: null, good: null, failures: [] };

/** A start that has not stood within this time has failed. */
export const STANDS_WITHIN_MS = 15_000;
/** One failed start may be the power, a second one is the release. */
const FORGIVEN = 1;
const REMEMBERED = 8;
const RETRY_S = [1, 2, 4, 8, 15, 30];

const mark = ({ version, attempt }: Release): string => (attempt ? `${version}#${attempt}` : version);
const failuresOf = (memory: Memory, release: Release): number => memory.failures.find(([what]) => what === mark(release))?.[1] ?? 0;
const others = (memory: Memory, release: Release) => memory.failures.filter(([what]) => what !== mark(release));

/** The release to start: the one that this box is meant to run, or, where that one does not stand, the last one that did. */
export function choose(assigned: Release, memory: Memory): Release {
  const { good } = memory;
  if (!good || good.version === assigned.version || failuresOf(memory, assigned) <= FORGIVEN) return assigned;
  // Where neither stands, the assigned one is tried: it may have been mended on the server's side.
  return failuresOf(memory, good) <= FORGIVEN ? good : assigned;
}

/** Whether the service is told that the assigned release does not stand here: when it has just been given up, and at each start
 *  that goes back to another because of it. */
export const isGivenUp = (assigned: Release, memory: Memory): boolean => failuresOf(memory, assigned) === FORGIVEN + 1;

/** Written down before the start: a release that takes the box down with it has then failed all the same. */
export function beginning(memory: Memory, release: Release): Memory {
  const times = failuresOf(memory, release) + 1;
  return { ...memory, failures: [...others(memory, release), [mark(release), times] as const].slice(-REMEMBERED) };
}

/** It stood: it is the one to go back to from now on. */
export function stood(memory: Memory, release: Release): Memory {
  return { ...memory, good: release, failures: others(memory, release) };
}

/** The start told nothing of the release (the server went away meanwhile): as if it had not been. */
export function untold(memory: Memory, release: Release): Memory {
  const times = failuresOf(memory, release) - 1;
  return { ...memory, failures: times > 0 ? [...others(memory, release), [mark(release), times] as const] : others(memory, release) };
}

/** Milliseconds before the next try; somewhere between half and the whole, so that a street does not knock as one. */
export function retryAfterMs(attempt: number, random: number): number {
  const whole = (RETRY_S[Math.min(attempt, RETRY_S.length - 1)] ?? 30) * 1000;
  return whole / 2 + (whole / 2) * random;
}

/** A memory that an older launcher wrote, or that somebody spoiled, is read as far as it can be. */
export function remembered(text: string | null): Memory {
  try {
    const known = JSON.parse(text ?? "null") as Partial<Memory> | null;
    return {
      token: typeof known?.token === "string" ? known.token : null,
      good: typeof known?.good?.entry === "string" ? known.good : null,
      failures: Array.isArray(known?.failures) ? known.failures : [],
    };
  } catch {
    return NOTHING;
  }
}
