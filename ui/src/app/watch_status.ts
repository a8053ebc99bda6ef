// How the making of films goes. Asked often while Home is empty, seldom while more is on its way, and hardly ever after that.
// The same question, asked while the connection is gone, is how we learn that it is back.

import { type Accessor, onCleanup } from "solid-js";
import type { Client } from "../api/client";
import type { Home, Status } from "../api/types";
import type { Live } from "../screens/live";

const EMPTY_MS = 1_500;
const MAKING_MS = 5_000;
const CALM_MS = 60_000;
const CUT_MS = 3_000;

export interface StatusPorts {
  readonly client: Pick<Client, "status">;
  readonly home: Live<Home>;
  readonly status: Accessor<Status | undefined>;
  setStatus(status: Status): void;
  /** Not while a film plays. */
  wanted(): boolean;
}

export function watchStatus(ports: StatusPorts): void {
  let timer: ReturnType<typeof setTimeout>;
  let stopped = false;

  async function ask(): Promise<void> {
    let next = CALM_MS;
    if (ports.wanted() && document.visibilityState !== "hidden") {
      try {
        const before = ports.status();
        const now = await ports.client.status({ retries: 0 });
        ports.setStatus(now);
        if (before && finished(before, now)) ports.home.refresh();
        next = pause(now, ports.home.value());
      } catch {
        next = CUT_MS;
      }
    }
    if (!stopped) timer = setTimeout(() => void ask(), next);
  }

  timer = setTimeout(() => void ask(), 0);
  onCleanup(() => {
    stopped = true;
    clearTimeout(timer);
  });
}

export function pause(status: Status, home: Home | undefined): number {
  const empty = !home?.rows.some((row) => row.items.length > 0);
  if (empty) return EMPTY_MS;
  return status.ingests.length > 0 ? MAKING_MS : CALM_MS;
}

/** Something that was being made is not any more: most likely it can be watched. */
export function finished(before: Status, now: Status): boolean {
  if (now.ready && !before.ready) return true;
  const making = new Set(now.ingests.map((ingest) => ingest.name));
  return before.ingests.some((ingest) => !making.has(ingest.name));
}
