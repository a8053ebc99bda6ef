// From power-on to a screen that stands: token, key, release, start, confirmation; each with its way on when it fails.

import { beginning, choose, isGivenUp, type Memory, type Release, retryAfterMs, STANDS_WITHIN_MS, stood, untold } from "./decide";

export type Notice = "starting" | "unconnected" | "refused" | "away" | "failing";

/** An answer of the server: its status, and its body where it has one. Rejects only when there was no answer. */
export type Ask = (method: "GET" | "POST", path: string, body?: unknown) => Promise<{ status: number; body: unknown }>;

export interface BoxKey {
  readonly jwk: { readonly kty: string; readonly crv: string; readonly x: string; readonly y: string };
  thumbprint(): Promise<string>;
  sign(text: string): Promise<string>;
}

export interface LaunchPorts {
  memory: Memory;
  save(memory: Memory): void;
  ask: Ask;
  /** The box's key, made at the first start; null where the browser gives none (no secure context). */
  key(): Promise<BoxKey | null>;
  show(notice: Notice): void;
  /** Loads the release. Settles when it stands, rejects when it cannot be loaded or threw before it stood. */
  run(release: Release, stoodUp: () => void): Promise<void>;
  /** Starts the launcher anew: a release that is half there cannot be taken back. */
  reload(): void;
  sleep(ms: number): Promise<void>;
  random(): number;
}

/** Resolves when the release stands and is confirmed, or when nothing more can be done without a person. */
export async function launch(ports: LaunchPorts): Promise<void> {
  const save = (memory: Memory): void => {
    ports.memory = memory;
    ports.save(memory);
  };
  ports.show("starting");
  if (ports.memory.token === null) return ports.show("unconnected");
  const assigned = await release(ports);
  if (assigned === null) {
    save({ ...ports.memory, token: null });
    return ports.show("refused");
  }
  const chosen = choose(assigned, ports.memory);
  const told = isGivenUp(assigned, ports.memory) ? tell(ports, "start-failed", assigned.version) : undefined;
  save(beginning(ports.memory, chosen));
  if (!(await stands(ports, chosen, () => save(untold(ports.memory, chosen)), () => save(beginning(ports.memory, chosen))))) {
    ports.show("failing");
    await ports.sleep(retryAfterMs(1, ports.random()));
    return ports.reload();
  }
  save(stood(ports.memory, chosen));
  // A release that this box went back to is not confirmed: nobody asked for it.
  if (chosen.version !== assigned.version) return;
  await told; // What a box told last counts, so a failure that is still being told comes first.
  await tell(ports, "confirm", chosen.version);
}

/** The release that this box is meant to run, asked for until there is an answer; null: the token is not (or no longer) valid. */
async function release(ports: LaunchPorts): Promise<Release | null> {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await ports.ask("GET", "/api/v1/box/release").catch(() => null);
    if (answer?.status === 200) return answer.body as Release;
    if (answer?.status === 401 || answer?.status === 403) return null;
    if (attempt > 0) ports.show("away");
    await ports.sleep(retryAfterMs(attempt, ports.random()));
  }
}

async function stands(ports: LaunchPorts, chosen: Release, forgive: () => void, blame: () => void): Promise<boolean> {
  let up = false;
  const running = ports.run(chosen, () => (up = true)).then(
    () => true,
    () => false,
  );
  for (;;) {
    const late = ports.sleep(STANDS_WITHIN_MS).then(() => null);
    const outcome = await Promise.race([running, late]);
    if (outcome !== null || up) return up || outcome === true;
    // Too late. A release that waits for a server that is away has done nothing wrong.
    forgive();
    const reachable = await ports.ask("GET", "/api/v1/box/release").then(
      ({ status }) => status < 500,
      () => false,
    );
    blame();
    if (up) return true;
    if (reachable) return false;
  }
}

/** Says, signed with the box's own key, that a release runs here, or that it did not stand. The screen does not wait for it. */
async function tell(ports: LaunchPorts, what: "confirm" | "start-failed", version: string): Promise<void> {
  const key = await ports.key().catch(() => null);
  if (key === null) return;
  for (let attempt = 0; attempt < 8; attempt += 1) {
    try {
      const proof = await key.sign(`matinee-key\n${await key.thumbprint()}`);
      const { kty, crv, x, y } = key.jwk;
      await ports.ask("POST", "/api/v1/box/key", { jwk: { kty, crv, x, y }, proof });
      const { body } = await ports.ask("GET", "/api/v1/box/nonce");
      const { nonce } = body as { nonce: string };
      const signature = await key.sign(`matinee-${what}\n${nonce}\n${version}`);
      const { status } = await ports.ask("POST", `/api/v1/box/${what}`, { version, nonce, signature });
      // What the server refuses once, it refuses again: only its absence is worth another try.
      if (status < 500) return;
    } catch {
      // No answer, or half of one: again, later.
    }
    await ports.sleep(retryAfterMs(attempt + 1, ports.random()));
  }
}
