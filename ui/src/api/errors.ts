// How a request can fail, in the few ways that make a difference on a screen.

import { MatineeError } from "../base/errors";
import type { Problem, RunningStream } from "./types";

/** The server answered, and it said no (RFC 9457). */
export class ApiError extends MatineeError {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.code, `${status} ${problem.code}: ${problem.detail ?? problem.title}`);
  }
}

/** No answer: no network, a name that does not resolve, a server that is down or too slow. */
export class NetworkError extends MatineeError {
  constructor(message: string, options?: ErrorOptions) {
    super("network", message, options);
  }
}

/** The asker lost interest. Never shown. */
export class Aborted extends MatineeError {
  constructor() {
    super("aborted", "the request was given up");
  }
}

/** What runs in the home, where it may see no more at once; null for any other failure. */
export function streamsOf(error: unknown): { limit: number; streams: readonly RunningStream[] } | null {
  if (!(error instanceof ApiError) || error.code !== "too_many_streams") return null;
  return { limit: error.problem.limit ?? 1, streams: error.problem.streams ?? [] };
}

/** What a screen says about a failure. The words are in base/messages. */
export type Complaint = "network" | "signedOut" | "needsPlan" | "tooManyStreams" | "pin" | "notAllowed" | "notFound" | "tooMany" | "server";

export function complaintOf(error: unknown): Complaint {
  if (error instanceof NetworkError) return "network";
  if (!(error instanceof ApiError)) return "server";
  if (error.status === 401) return "signedOut";
  if (error.code === "plan_needed") return "needsPlan";
  if (error.code === "too_many_streams") return "tooManyStreams";
  if (error.code === "pin_needed" || error.code === "pin_wrong") return "pin";
  if (error.status === 403) return "notAllowed";
  if (error.status === 404 || error.status === 410) return "notFound";
  if (error.status === 409 || error.status === 429) return "tooMany";
  return "server";
}
