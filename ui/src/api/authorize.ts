// A browser signs in on the server's own page, and comes back with a code that only the page that asked can use (RFC 7636).

import { form, type Tokens } from "./session";

export interface AuthorizePorts {
  readonly clientId: string;
  readonly origin: string;
  /** Lives as long as the tab. */
  readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  readonly crypto: Crypto;
  readonly fetch: typeof fetch;
}

const KEY = "matinee.authorize";

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function drawn(source: Crypto): string {
  return base64url(source.getRandomValues(new Uint8Array(32)));
}

const backTo = (ports: AuthorizePorts): string => `${ports.origin}/watch/`;

/** Where to send the browser to sign in; `inside` is the place in the app to come back to. */
export async function signInAddress(ports: AuthorizePorts, inside: string): Promise<string> {
  const verifier = drawn(ports.crypto);
  const state = drawn(ports.crypto);
  const hash = await ports.crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  ports.storage.setItem(KEY, JSON.stringify({ verifier, state, inside }));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: ports.clientId,
    redirect_uri: backTo(ports),
    scope: "watch",
    state,
    code_challenge: base64url(new Uint8Array(hash)),
    code_challenge_method: "S256",
  });
  return `${ports.origin}/oauth/authorize?${query.toString()}`;
}

export interface CameBack {
  /** Null where it was no answer to what this tab had asked, or the household said no. */
  readonly tokens: Tokens | null;
  readonly inside: string;
}

/** What the browser was sent back with, used once; null where the address holds no answer. Throws NetworkError. */
export async function comeBack(ports: AuthorizePorts, search: string): Promise<CameBack | null> {
  const told = new URLSearchParams(search);
  const state = told.get("state");
  if (state === null || !(told.has("code") || told.has("error"))) return null;
  const kept = JSON.parse(ports.storage.getItem(KEY) ?? "null") as { verifier: string; state: string; inside: string } | null;
  ports.storage.removeItem(KEY);
  const code = told.get("code");
  if (!kept || kept.state !== state || told.get("iss") !== ports.origin || code === null) {
    return { tokens: null, inside: kept?.inside ?? "" };
  }
  const answer = await form(ports.fetch, "/oauth/token", {
    grant_type: "authorization_code",
    code,
    code_verifier: kept.verifier,
    redirect_uri: backTo(ports),
    client_id: ports.clientId,
  });
  return { tokens: answer.status === 200 ? (answer.body as Tokens) : null, inside: kept.inside };
}
