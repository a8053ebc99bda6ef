// A value from the server that a screen shows. What is there stays there: while a newer one is fetched, when that fails,
// when the network drops. A failure is told only where there is nothing to show; it is tried again by itself.

import { type Accessor, batch, createEffect, createSignal, on, onCleanup } from "solid-js";
import { Aborted } from "../api/errors";
import { type Complaint, complaintOf } from "../api/errors";
import type { Connection } from "./connection";

export interface Live<T> {
  readonly value: Accessor<T | undefined>;
  /** Why there is no value, or no newer one. */
  readonly complaint: Accessor<Complaint | null>;
  readonly loading: Accessor<boolean>;
  refresh(): void;
}

export interface LiveOptions<T> {
  /** What to fetch; null: nothing now. Another key gives up the request under way. */
  readonly key: Accessor<string | null>;
  load(key: string, signal: AbortSignal): Promise<T>;
  readonly connection: Connection;
  /** Values by key, shown at once while a newer one is fetched. */
  readonly cache?: Map<string, T>;
  /** Keep showing the last key's value until the new one is there (search results). */
  readonly keepOld?: boolean;
}

const RETRY_MS = [2_000, 4_000, 8_000, 15_000] as const;
/** Trying again cannot change these answers. */
const FINAL: readonly Complaint[] = ["notFound", "notAllowed", "needsPlan", "pin", "signedOut"];

export function createLive<T>(options: LiveOptions<T>): Live<T> {
  const [value, setValue] = createSignal<T | undefined>(undefined);
  const [complaint, setComplaint] = createSignal<Complaint | null>(null);
  const [loading, setLoading] = createSignal(false);
  let controller: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;

  function stop(): void {
    controller?.abort();
    controller = null;
    clearTimeout(timer);
  }

  async function run(key: string): Promise<void> {
    stop();
    const mine = new AbortController();
    controller = mine;
    setLoading(true);
    try {
      const loaded = await options.load(key, mine.signal);
      if (controller !== mine) return;
      attempt = 0;
      options.cache?.set(key, loaded);
      batch(() => {
        setValue(() => loaded);
        setComplaint(null);
        setLoading(false);
      });
    } catch (error) {
      if (controller !== mine || error instanceof Aborted) return;
      const why = complaintOf(error);
      batch(() => {
        setComplaint(why);
        setLoading(false);
      });
      if (FINAL.includes(why)) return;
      timer = setTimeout(() => void run(key), RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
      attempt += 1;
    }
  }

  createEffect(
    on(options.key, (key) => {
      attempt = 0;
      const known = key === null ? undefined : options.cache?.get(key);
      batch(() => {
        setComplaint(null);
        if (known !== undefined || !options.keepOld || key === null) setValue(() => known);
        if (key === null) setLoading(false);
      });
      stop();
      if (key !== null) void run(key);
    }),
  );

  function refresh(): void {
    const key = options.key();
    attempt = 0;
    if (key !== null) void run(key);
  }

  createEffect(
    on(
      options.connection.recoveries,
      () => {
        if (complaint() !== null) refresh();
      },
      { defer: true },
    ),
  );
  onCleanup(stop);
  return { value, complaint, loading, refresh };
}
