// The code that a screen shows while it waits to be approved: asked for, polled at the pace that the server names, and made
// anew before it is too old to be typed.

import { createSignal, onCleanup } from "solid-js";
import type { DeviceCode, Polled } from "../../api/device_code";
import type { Tokens } from "../../api/session";

export interface WaitingPorts {
  ask(): Promise<DeviceCode>;
  poll(code: DeviceCode): Promise<Polled>;
  done(tokens: Tokens): void;
  now(): number;
  after(run: () => void, ms: number): () => void;
}

export type Phase = "asking" | "shown" | "refused" | "away";

const RETRY_MS = 5_000;
const SLOWER_MS = 5_000;
/** A code is not shown for its last seconds: nobody types it in time. */
const TOO_LATE_MS = 20_000;

export function createWaiting(ports: WaitingPorts) {
  const [code, setCode] = createSignal<DeviceCode | null>(null);
  const [phase, setPhase] = createSignal<Phase>("asking");
  const [left, setLeft] = createSignal(0);
  let run = 0;
  const timers = new Set<() => void>();

  function later(then: () => void, ms: number): void {
    const mine = run;
    const stop = ports.after(() => {
      timers.delete(stop);
      if (mine === run) then();
    }, ms);
    timers.add(stop);
  }

  function halt(): void {
    run += 1;
    timers.forEach((stop) => stop());
    timers.clear();
  }

  async function begin(): Promise<void> {
    halt();
    const mine = run;
    try {
      const fresh = await ports.ask();
      if (mine !== run) return;
      const until = ports.now() + fresh.expires_in * 1000 - TOO_LATE_MS;
      setCode(fresh);
      setPhase("shown");
      tick(until);
      later(() => void poll(fresh, fresh.interval * 1000), fresh.interval * 1000);
    } catch {
      if (mine !== run) return;
      if (!code()) setPhase("away");
      later(() => void begin(), RETRY_MS);
    }
  }

  function tick(until: number): void {
    const ms = until - ports.now();
    setLeft(Math.max(0, Math.ceil(ms / 1000)));
    if (ms <= 0) void begin();
    else later(() => tick(until), 1000);
  }

  async function poll(waits: DeviceCode, everyMs: number): Promise<void> {
    const mine = run;
    let pace = everyMs;
    try {
      const answer = await ports.poll(waits);
      if (mine !== run) return;
      switch (answer.kind) {
        case "done":
          halt();
          ports.done(answer.tokens);
          return;
        case "refused":
          halt();
          setCode(null);
          setPhase("refused");
          return;
        case "over":
          void begin();
          return;
        case "slower":
          pace += SLOWER_MS;
      }
    } catch {
      if (mine !== run) return; // the network is away: it goes on at the same pace
    }
    later(() => void poll(waits, pace), pace);
  }

  onCleanup(halt);
  void begin();
  return { code, phase, left, again: () => void begin() };
}
