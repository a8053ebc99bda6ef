import { describe, expect, it } from "vitest";
import { comeBack, signInAddress } from "./authorize";
import { askForCode, pollForTokens } from "./device_code";
import { NetworkError } from "./errors";
import { createSession } from "./session";

type Answer = { status: number; body: unknown } | "no answer";

/** A server that answers in turn, and what it was asked. */
function server(...answers: Answer[]) {
  const asked: Record<string, string>[] = [];
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    asked.push({ path, ...Object.fromEntries(new URLSearchParams(String(init.body))) });
    const next = answers.shift();
    if (next === undefined || next === "no answer") throw new TypeError("Failed to fetch");
    return new Response(JSON.stringify(next.body), { status: next.status });
  };
  return { asked, send: send as unknown as typeof fetch };
}

function device(...answers: Answer[]) {
  const { asked, send } = server(...answers);
  let stored: string | null = null;
  let now = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const ports = {
    clientId: "matinee-tv",
    read: () => stored,
    write: (value: string | null) => {
      stored = value;
    },
    fetch: send,
    now: () => now,
    alone<T>(run: () => Promise<T>): Promise<T> {
      const mine = turn.then(run, run);
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
  return { asked, ports, session: createSession(ports), wait: (ms: number) => void (now += ms) };
}

const tokens = (name: string) => ({ access_token: `access ${name}`, refresh_token: `refresh ${name}`, expires_in: 900 });
const good = (name: string): Answer => ({ status: 200, body: tokens(name) });

describe("a screen that has signed in", () => {
  it("shows its token until shortly before the end, and then the next one", async () => {
    const { asked, session, wait } = device(good("two"));
    session.keep(tokens("one"));
    expect(await session.token()).toBe("access one");
    wait(14.5 * 60_000);
    expect(await session.token()).toBe("access two");
    expect(asked).toEqual([
      { path: "/oauth/token", grant_type: "refresh_token", refresh_token: "refresh one", client_id: "matinee-tv" },
    ]);
  });

  it("renews once, however many requests and pages ask at the same moment", async () => {
    const { asked, ports, session, wait } = device(good("two"));
    session.keep(tokens("one"));
    wait(15 * 60_000);
    const other = createSession(ports);
    expect(await Promise.all([session.token(), session.token(), other.token(), other.refused("access one")])).toEqual([
      "access two",
      "access two",
      "access two",
      true,
    ]);
    expect(asked.length).toBe(1);
  });

  it("stays signed in while the network is away, and not once it was ended elsewhere", async () => {
    const { session } = device("no answer", { status: 503, body: {} }, { status: 400, body: { error: "invalid_grant" } });
    session.keep(tokens("one"));
    await expect(session.refused("access one")).rejects.toThrow(NetworkError);
    await expect(session.refused("access one")).rejects.toThrow(NetworkError);
    expect(session.has()).toBe(true);
    expect(await session.refused("access one")).toBe(false);
    expect(session.has()).toBe(false);
    expect(await session.token()).toBeNull();
  });

  it("forgets its tokens at once where it signs out, told or not", async () => {
    const { asked, session } = device("no answer");
    session.keep(tokens("one"));
    const told = session.end();
    expect(session.has()).toBe(false);
    await told;
    expect(asked[0]?.["token"]).toBe("refresh one");
  });

  it("takes what somebody else has stored there for nothing", async () => {
    const { ports, session } = device();
    for (const junk of ["{", "5", "null", '{"access":1}', "[]"]) {
      ports.write(junk);
      expect(session.has()).toBe(false);
    }
  });
});

describe("a television's code", () => {
  const code = { device_code: "d", user_code: "BCDF-GHJK", verification_uri: "", verification_uri_complete: "", expires_in: 900, interval: 5 };

  it.each([
    [400, "authorization_pending", "waiting"],
    [400, "slow_down", "slower"],
    [400, "access_denied", "refused"],
    [400, "expired_token", "over"],
    [400, "invalid_grant", "over"],
    [401, "invalid_client", "over"],
  ])("%d %s is %s", async (status, error, kind) => {
    expect(await pollForTokens(server({ status, body: { error } }).send, "matinee-tv", code)).toEqual({ kind });
  });

  it("brings tokens in the end, and nothing while the server is away", async () => {
    expect(await pollForTokens(server(good("one")).send, "matinee-tv", code)).toEqual({ kind: "done", tokens: tokens("one") });
    await expect(pollForTokens(server({ status: 503, body: {} }).send, "matinee-tv", code)).rejects.toThrow(NetworkError);
    await expect(askForCode(server({ status: 429, body: {} }).send, "matinee-tv", "TV")).rejects.toThrow(NetworkError);
  });
});

describe("a browser that comes back", () => {
  function ports(...answers: Answer[]) {
    const { asked, send } = server(...answers);
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
    return { asked, ports: { clientId: "matinee-web", origin: "https://tv.example", storage, crypto: globalThis.crypto, fetch: send } };
  }

  it("exchanges the code with the secret of which the server has the hash, once", async () => {
    const { asked, ports: at } = ports(good("one"));
    const address = new URL(await signInAddress(at, "#/settings"));
    expect(address.searchParams.get("code_challenge_method")).toBe("S256");
    const state = address.searchParams.get("state") ?? "";
    const answer = `?code=c&state=${state}&iss=https%3A%2F%2Ftv.example`;
    expect(await comeBack(at, answer)).toEqual({ tokens: tokens("one"), inside: "#/settings" });
    const verifier = new TextEncoder().encode(asked[0]?.["code_verifier"] ?? "");
    const hash = new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", verifier));
    const challenge = btoa(String.fromCharCode(...hash)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
    expect(challenge).toBe(address.searchParams.get("code_challenge"));
    expect((await comeBack(at, answer))?.tokens).toBeNull();
    expect(asked.length).toBe(1);
  });

  it.each([
    ["another state", (state: string) => `?code=c&state=x${state}&iss=https%3A%2F%2Ftv.example`],
    ["another issuer", (state: string) => `?code=c&state=${state}&iss=https%3A%2F%2Fevil.example`],
    ["no issuer", (state: string) => `?code=c&state=${state}`],
    ["a refusal", (state: string) => `?error=access_denied&state=${state}&iss=https%3A%2F%2Ftv.example`],
  ])("with %s brings nothing and asks nobody", async (_, answer) => {
    const { asked, ports: at } = ports(good("one"));
    const state = new URL(await signInAddress(at, "")).searchParams.get("state") ?? "";
    expect((await comeBack(at, answer(state)))?.tokens).toBeNull();
    expect(asked).toEqual([]);
  });

  it("with an address that is no answer is at its beginning", async () => {
    expect(await comeBack(ports().ports, "")).toBeNull();
    expect(await comeBack(ports().ports, "?code=c")).toBeNull();
  });
});
