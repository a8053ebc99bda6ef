// What Shaka's numbers mean to a viewer. Its errors carry a category and a code (shaka.util.Error); the numbers are fixed
// by its documentation and are written out here, so that this table is read without loading Shaka.

import { PlayerFailure, type FailureCode } from "./port";

/** The fields that we read of shaka.util.Error. */
export interface ShakaError {
  readonly category: number;
  readonly code: number;
  readonly severity: number;
  readonly data: readonly unknown[];
}

export const CATEGORY = { NETWORK: 1, TEXT: 2, MEDIA: 3, MANIFEST: 4, STREAMING: 5, DRM: 6, PLAYER: 7 } as const;
export const CODE = {
  BAD_HTTP_STATUS: 1001,
  HTTP_ERROR: 1002,
  TIMEOUT: 1003,
  CONTENT_UNSUPPORTED_BY_BROWSER: 4032,
  RESTRICTIONS_CANNOT_BE_MET: 4012,
  REQUESTED_KEY_SYSTEM_CONFIG_UNAVAILABLE: 6001,
  FAILED_TO_CREATE_CDM: 6002,
  INIT_DATA_NOT_SUPPORTED: 6004,
  SERVER_CERTIFICATE_REQUIRED: 6013,
  LOAD_INTERRUPTED: 7000,
} as const;
export const CRITICAL = 2;

const GONE = new Set([401, 403, 404, 410]);
const UNSUPPORTED = new Set<number>([CODE.CONTENT_UNSUPPORTED_BY_BROWSER, CODE.REQUESTED_KEY_SYSTEM_CONFIG_UNAVAILABLE, CODE.FAILED_TO_CREATE_CDM]);

/** HTTP status of an error of the network; null when none was heard. */
export function httpStatus(error: ShakaError): number | null {
  return error.category === CATEGORY.NETWORK && error.code === CODE.BAD_HTTP_STATUS && typeof error.data[1] === "number" ? error.data[1] : null;
}

/** Bytes did not come, and may come later: worth trying again while the buffer lasts. */
export function isPassing(error: ShakaError): boolean {
  return error.category === CATEGORY.NETWORK;
}

/** The token has run out, or the session is over: a renewed address may help. */
export function wantsRenewal(error: ShakaError): boolean {
  const status = httpStatus(error);
  return status === 401 || status === 403 || status === 410;
}

export function isShakaError(error: unknown): error is ShakaError {
  return typeof error === "object" && error !== null && "category" in error && "code" in error && "severity" in error;
}

export function failureOf(error: unknown): PlayerFailure {
  if (error instanceof PlayerFailure) return error;
  if (!isShakaError(error)) return new PlayerFailure("engine", error instanceof Error ? error.message : String(error));
  const status = httpStatus(error);
  return new PlayerFailure(codeOf(error, status), status === null ? String(error.code) : `${error.code} HTTP ${status}`);
}

function codeOf(error: ShakaError, status: number | null): FailureCode {
  if (UNSUPPORTED.has(error.code)) return "unsupported";
  if (error.category === CATEGORY.NETWORK) return status !== null && GONE.has(status) ? "gone" : "network";
  if (error.category === CATEGORY.DRM || error.code === CODE.RESTRICTIONS_CANNOT_BE_MET) return "licence";
  return error.category === CATEGORY.PLAYER ? "engine" : "media";
}
