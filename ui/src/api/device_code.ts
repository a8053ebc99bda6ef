// A television signs in by a code that somebody approves on a phone (RFC 8628).

import { NetworkError } from "./errors";
import { form, type Tokens } from "./session";

export interface DeviceCode {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

export type Polled =
  | { readonly kind: "waiting" }
  | { readonly kind: "slower" }
  | { readonly kind: "refused" }
  | { readonly kind: "over" }
  | { readonly kind: "done"; readonly tokens: Tokens };

/** Throws NetworkError. */
export async function askForCode(send: typeof fetch, clientId: string, label: string): Promise<DeviceCode> {
  const answer = await form(send, "/oauth/device_authorization", { client_id: clientId, device_label: label });
  if (answer.status !== 200) throw new NetworkError(`POST /oauth/device_authorization: ${answer.status}`);
  return answer.body as DeviceCode;
}

/** Throws NetworkError where the server could not be asked. */
export async function pollForTokens(send: typeof fetch, clientId: string, code: DeviceCode): Promise<Polled> {
  const answer = await form(send, "/oauth/token", {
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code: code.device_code,
    client_id: clientId,
  });
  if (answer.status === 200) return { kind: "done", tokens: answer.body as Tokens };
  const error = (answer.body as { error?: unknown } | null)?.error;
  if (error === "authorization_pending") return { kind: "waiting" };
  if (error === "slow_down") return { kind: "slower" };
  if (error === "access_denied") return { kind: "refused" };
  if (answer.status === 400 || answer.status === 401) return { kind: "over" };
  throw new NetworkError(`POST /oauth/token: ${answer.status}`);
}
