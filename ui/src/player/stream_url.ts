// The token is the first element of a stream's path (/s/TOKEN/...), so that relative addresses keep it in any player. A film
// outlives its token: a heartbeat brings a fresh one, and every later request goes out with it, whatever older address the
// manifest that was read at the start had.

const STREAM = /^(https?:\/\/[^/]+)?\/s\/[^/]+\//;

/** "https://edge/s/TOKEN/" of a manifest's address; null where it is none of a stream. */
export function streamPrefix(url: string): string | null {
  return STREAM.exec(url)?.[0] ?? null;
}

/**
 * The same file with the newest token, on the newest edge. What is no stream's address, or one of another edge than the
 * film was started on (steering chose it, and its token with it), stays as it is.
 */
export function renewed(url: string, startedWith: string, newest: string): string {
  const prefix = streamPrefix(url);
  if (prefix === null || origin(prefix) !== origin(startedWith)) return url;
  return newest + url.slice(prefix.length);
}

function origin(prefix: string): string {
  return STREAM.exec(prefix)?.[1] ?? "";
}
