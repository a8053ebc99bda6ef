// A screen that has signed in: a token for a quarter of an hour, and another that brings the next. Kept on this device, shared by
// all pages of this browser, and renewed by one of them at a time, since a refresh token is worth something once.

import { NetworkError } from "./errors";

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
}

interface Kept {
  readonly access: string;
  readonly refresh: string;
  /** By this device's own clock, which may be wrong: a token that is refused before is renewed all the same. */
  readonly until: number;
}

export interface SessionPorts {
  readonly clientId: string;
  /** Read anew each time: another page may have written. */
  read(): string | null;
  write(value: string | null): void;
  readonly fetch: typeof fetch;
  now(): number;
  /** Run one at a time among all pages of this browser. */
  alone<T>(run: () => Promise<T>): Promise<T>;
}

/** A token is renewed so long before its end. */
const EARLY_MS = 60_000;
const TIMEOUT_MS = 10_000;

export type ScreenSession = ReturnType<typeof createSession>;

export function createSession(ports: SessionPorts) {
  function kept(): Kept | null {
    try {
      const found = JSON.parse(ports.read() ?? "null") as Kept | null;
      return typeof found?.access === "string" && typeof found.refresh === "string" ? found : null;
    } catch {
      return null;
    }
  }

  function keep(tokens: Tokens): void {
    const until = ports.now() + tokens.expires_in * 1000;
    ports.write(JSON.stringify({ access: tokens.access_token, refresh: tokens.refresh_token, until } satisfies Kept));
  }

  /** Bring the next token, unless another page has done so. Throws NetworkError. */
  function renew(old: string): Promise<void> {
    return ports.alone(async () => {
      const now = kept();
      if (!now || now.access !== old) return;
      const answer = await form(ports.fetch, "/oauth/token", {
        grant_type: "refresh_token",
        refresh_token: now.refresh,
        client_id: ports.clientId,
      });
      if (answer.status === 200) keep(answer.body as Tokens);
      else if (answer.status === 400 || answer.status === 401) ports.write(null);
      else throw new NetworkError(`POST /oauth/token: ${answer.status}`);
    });
  }

  return {
    keep,
    has: (): boolean => kept() !== null,
    /** The token to show, renewed where it is about to end; null where nobody is signed in here. Throws NetworkError. */
    async token(): Promise<string | null> {
      const now = kept();
      if (now && now.until - ports.now() < EARLY_MS) await renew(now.access);
      return kept()?.access ?? null;
    },
    /** A token was refused: whether there is another to try. Throws NetworkError. */
    async refused(token: string): Promise<boolean> {
      if (kept()?.access === token) await renew(token);
      const now = kept();
      return now !== null && now.access !== token;
    },
    /** Signed out here at once, and there as soon as it can be told. */
    async end(): Promise<void> {
      const now = kept();
      ports.write(null);
      if (now) {
        await form(ports.fetch, "/oauth/revoke", { token: now.refresh, client_id: ports.clientId }).catch(() => undefined);
      }
    },
  };
}

/** Send a form and read what comes back, whatever its status. Throws NetworkError where nothing does. */
export async function form(
  send: typeof fetch,
  path: string,
  values: Record<string, string>,
): Promise<{ status: number; body: unknown }> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), TIMEOUT_MS);
  try {
    const response = await send(path, {
      method: "POST",
      body: new URLSearchParams(values).toString(),
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      signal: controller.signal,
      credentials: "omit",
    });
    return { status: response.status, body: (await response.json()) as unknown };
  } catch (error) {
    throw new NetworkError(`POST ${path}: no answer`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
