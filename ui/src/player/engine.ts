// Shaka is some 700 kB of script. It is fetched when the first screen stands and evaluated when the processor has nothing else
// to do, so that neither the first paint nor OK waits for it.

import { PlayerFailure, type PlayerFactory, type PlayerPort } from "./port";

type Engine = typeof import("./shaka");

let engine: Promise<Engine> | null = null;

function load(): Promise<Engine> {
  engine ??= import("./shaka").catch((error: unknown) => {
    // The next call tries again: a network that was away must not end all films of the evening.
    engine = null;
    throw new PlayerFailure("engine", error instanceof Error ? error.message : "import");
  });
  return engine;
}

/** Called once, after the first useful paint. Returns at once. */
export function warmEngine(): void {
  const idle = window.requestIdleCallback as typeof window.requestIdleCallback | undefined;
  const begin = (): void => void load().catch(() => undefined);
  if (idle) idle(begin, { timeout: 5_000 });
  else setTimeout(begin, 1_000);
}

export const createPlayer: PlayerFactory = async (): Promise<PlayerPort> => (await load()).createShakaPlayer();
