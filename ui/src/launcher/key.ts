// The box's own key: made here, and not to be taken out by any script. It lies in IndexedDB, which keeps a CryptoKey as what
// it is. WebCrypto is there in a secure context alone (https, or this machine itself).

import type { BoxKey } from "./launch";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

function database(): Promise<IDBObjectStore> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("matinee", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => resolve(opening.result.transaction("keys", "readwrite").objectStore("keys"));
  });
}

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const base64url = (bytes: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

/** Null where the browser has no place or no means for a key. */
export async function boxKey(): Promise<BoxKey | null> {
  const subtle = (crypto as { subtle?: SubtleCrypto }).subtle;
  if (!subtle) return null;
  let pair = (await done((await database()).get("box"))) as CryptoKeyPair | undefined;
  if (!pair) {
    pair = await subtle.generateKey(ECDSA, false, ["sign"]);
    // Another window may have made one meanwhile: the first one stays.
    await done((await database()).add(pair, "box")).catch(() => undefined);
    pair = (await done((await database()).get("box"))) as CryptoKeyPair;
  }
  const { privateKey, publicKey } = pair;
  const jwk = (await subtle.exportKey("jwk", publicKey)) as BoxKey["jwk"];
  const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
  return {
    jwk,
    // RFC 7638: the members that matter, in this order, without a blank.
    thumbprint: async () => base64url(await subtle.digest("SHA-256", bytes(`{"crv":"P-256","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`))),
    sign: async (text) => base64url(await subtle.sign(ECDSA, privateKey, bytes(text))),
  };
}
