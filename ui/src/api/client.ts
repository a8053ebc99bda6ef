// Every request of the screens goes through here. One call, one promise: time limits, retries, ETags and problem details
// are dealt with once. A GET is tried again when the network or the server fails; a POST never is, unless its caller says
// that the same request twice does no harm.

import { Aborted, ApiError, NetworkError } from "./errors";
import type {
  Activated,
  Announced,
  Consents,
  Credit,
  Heartbeat,
  HeartbeatAnswer,
  HistoryPage,
  Home,
  HomePlan,
  Id,
  Invoice,
  Launch,
  Me,
  Money,
  Playback,
  Preferences,
  Problem,
  Profile,
  Profiles,
  ProfileWish,
  RowPage,
  SearchAnswer,
  SignedIn,
  Source,
  Status,
  Taste,
  Thumb,
  Title,
  Unlocked,
} from "./types";

export interface ClientPorts {
  /** "" for the page's own origin. */
  readonly origin: string;
  /** At once, or after a token that is about to end was renewed. Throws NetworkError where that could not be asked for. */
  token(): string | null | Promise<string | null>;
  /** What the household's PIN gave for the profile that is shown; null where nothing was asked. */
  unlock?(): string | null;
  /** The PIN is asked for the profile that is shown: what it gave before has ended. */
  locked?(): void;
  readonly fetch: typeof fetch;
  sleep(ms: number): Promise<void>;
  /** 0 up to 1, so that a thousand boxes do not knock at the same moment after a cut. */
  random(): number;
  /** Told of every request's outcome: the screens' banner lives from it. */
  reached?(online: boolean): void;
  /** The token is not valid (any more): whether there is another one now, and the request is to be sent again. */
  renewed?(token: string): Promise<boolean>;
  /** Nobody is signed in here (any more). */
  refused?(): void;
}

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for one try. */
  readonly timeoutMs?: number;
  /** How often to try again after a failure of the network or of the server. */
  readonly retries?: number;
  /** What the PIN gave for this request alone. */
  readonly unlock?: string | undefined;
  /** Let it finish although the page is being left. */
  readonly keepalive?: boolean;
}

interface Kept {
  readonly etag: string;
  readonly body: unknown;
}

const TIMEOUT_MS = 8_000;
const RETRIES = 2;
const BACKOFF_MS = 400;
const BACKOFF_MAX_MS = 8_000;
/** ETags are kept for this many addresses, the oldest going first: the search box makes a new one with each letter. */
const KEPT = 64;

export type Client = ReturnType<typeof createClient>;

export function createClient(ports: ClientPorts) {
  const kept = new Map<string, Kept>();

  async function request<T>(method: string, path: string, body: unknown, options: RequestOptions): Promise<T> {
    const tries = 1 + (options.retries ?? (method === "GET" ? RETRIES : 0));
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await once(method, path, body, options)) as T;
      } catch (error) {
        if (options.signal?.aborted) throw new Aborted();
        const temporary = error instanceof NetworkError || (error instanceof ApiError && isTemporary(error.status));
        if (!temporary || attempt >= tries) throw error;
        await ports.sleep(backoffMs(attempt, ports.random()));
        if (options.signal?.aborted) throw new Aborted();
      }
    }
  }

  async function once(method: string, path: string, body: unknown, options: RequestOptions, again = false): Promise<unknown> {
    const known = method === "GET" ? kept.get(path) : undefined;
    const headers: Record<string, string> = { Accept: "application/json, application/problem+json" };
    const asked = ports.token();
    const token = asked instanceof Promise ? await asked : asked;
    if (token) headers["Authorization"] = `Bearer ${token}`;
    const unlock = options.unlock ?? ports.unlock?.();
    if (unlock) headers["Matinee-Unlock"] = unlock;
    if (known) headers["If-None-Match"] = known.etag;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const { signal, stop } = limit(options.signal, options.timeoutMs ?? TIMEOUT_MS);
    let response: Response;
    let text: string;
    try {
      response = await ports.fetch(ports.origin + path, {
        method,
        headers,
        signal,
        credentials: "omit",
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(options.keepalive ? { keepalive: true } : {}),
      });
      text = response.status === 304 || response.status === 204 ? "" : await response.text();
    } catch (error) {
      if (!options.signal?.aborted) ports.reached?.(false);
      throw new NetworkError(`${method} ${path}: no answer`, { cause: error });
    } finally {
      stop();
    }
    ports.reached?.(true);
    if (response.status === 304 && known) return known.body;
    if (response.status === 204) return undefined;
    if (!response.ok) {
      if (response.status === 401) {
        if (token && !again && (await ports.renewed?.(token))) return once(method, path, body, options, true);
        ports.refused?.();
      }
      const error = new ApiError(response.status, problemOf(response.status, text));
      if (error.code === "pin_needed" && options.unlock === undefined) ports.locked?.();
      throw error;
    }
    const parsed = parse(text);
    if (parsed === undefined) throw new NetworkError(`${method} ${path}: the answer was cut off`);
    const etag = response.headers.get("ETag");
    if (method === "GET" && etag) keep(path, { etag, body: parsed });
    return parsed;
  }

  function keep(path: string, entry: Kept): void {
    kept.delete(path);
    kept.set(path, entry);
    const oldest = kept.keys().next();
    if (kept.size > KEPT && !oldest.done) kept.delete(oldest.value);
  }

  const get = <T>(path: string, options: RequestOptions = {}): Promise<T> => request<T>("GET", path, undefined, options);

  return {
    me: (options?: RequestOptions) => get<Me>("/api/v1/me", options),
    home: (profile: Id, options?: RequestOptions) => get<Home>(`/api/v1/home?${query({ profile })}`, options),
    row: (row: Id, profile: Id, cursor: string | null, limitTo: number, options?: RequestOptions) =>
      get<RowPage>(`/api/v1/rows/${encodeURIComponent(row)}?${query({ profile, cursor, limit: limitTo })}`, options),
    title: (id: Id, profile: Id, options?: RequestOptions) =>
      get<Title>(`/api/v1/titles/${encodeURIComponent(id)}?${query({ profile })}`, options),
    /** Asked twice, it leads to the same place: tried again like a GET. */
    openTitle: (id: Id, profileId: Id, source: Source, way: number | null, options: RequestOptions = {}) =>
      request<Launch>("POST", `/api/v1/titles/${encodeURIComponent(id)}/open`, { source, way, profile_id: profileId }, {
        retries: RETRIES,
        ...options,
      }),
    search: (words: string, profile: Id, limitTo: number, options?: RequestOptions) =>
      get<SearchAnswer>(`/api/v1/search?${query({ q: words, profile, limit: limitTo })}`, options),
    announced: (profile: Id, options?: RequestOptions) =>
      get<{ services: Announced[] }>(`/api/v1/announced?${query({ profile })}`, options),
    /** Opened twice, a link is opened once: tried again like a GET. */
    activate: (code: string, options: RequestOptions = {}) =>
      request<Activated>("POST", "/api/v1/activations", { code }, { retries: RETRIES, ...options }),
    status: (options?: RequestOptions) => get<Status>("/api/v1/status", options),
    /** With `prepares` nobody has pressed OK yet, and the play takes no place among the home's streams before it moves. */
    playback: (titleId: Id, profileId: Id, { prepares = false, ...options }: RequestOptions & { readonly prepares?: boolean } = {}) =>
      request<Playback>(
        "POST",
        "/api/v1/playback",
        { title_id: titleId, profile_id: profileId, ...(prepares ? { prepares } : {}) },
        options,
      ),
    /** Stops a film at another screen of the home. The same twice does no harm. */
    stopPlayback: (session: Id, options: RequestOptions = {}) =>
      request<void>("POST", `/api/v1/playback/${encodeURIComponent(session)}/stop`, undefined, { retries: RETRIES, ...options }),
    heartbeat: (session: Id, heartbeat: Heartbeat, options: RequestOptions = {}) =>
      request<HeartbeatAnswer>("POST", `/api/v1/playback/${encodeURIComponent(session)}/heartbeat`, heartbeat, options),
    /** `lateMs`: how long ago it ended, where nobody could be told before. */
    endPlayback: (
      session: Id,
      sequence: number,
      positionMs: number,
      { lateMs = 0, ...options }: RequestOptions & { readonly lateMs?: number } = {},
    ) =>
      request<void>(
        "POST",
        `/api/v1/playback/${encodeURIComponent(session)}/end`,
        { sequence, position_ms: positionMs, ...(lateMs > 0 ? { late_ms: lateMs } : {}) },
        { keepalive: true, ...options },
      ),
    /** Opens a profile on this screen. Twice does no harm, like all that follows. */
    chooseProfile: (profile: Id, unlock: string, options: RequestOptions = {}) =>
      request<Profiles>("POST", `/api/v1/profiles/${encodeURIComponent(profile)}/choose`, undefined, {
        retries: RETRIES,
        unlock,
        ...options,
      }),
    makeProfile: (wish: ProfileWish, wishId: string, unlock: string, options: RequestOptions = {}) =>
      request<Profiles>("POST", "/api/v1/profiles", { ...wish, request: wishId }, { retries: RETRIES, unlock, ...options }),
    changeProfile: (profile: Id, wish: Partial<ProfileWish>, unlock: string, options: RequestOptions = {}) =>
      request<Profiles>("PATCH", `/api/v1/profiles/${encodeURIComponent(profile)}`, wish, {
        retries: RETRIES,
        unlock,
        ...options,
      }),
    deleteProfile: (profile: Id, unlock: string, options: RequestOptions = {}) =>
      request<Profiles>("DELETE", `/api/v1/profiles/${encodeURIComponent(profile)}`, undefined, {
        retries: RETRIES,
        unlock,
        ...options,
      }),
    /** A try of the PIN is never sent twice by itself: a wrong one is counted. */
    tryPin: (pin: string, profile: Id | null, options: RequestOptions = {}) =>
      request<Unlocked>("POST", "/api/v1/pin/unlock", { pin, profile_id: profile }, { unlock: "", ...options }),
    setPin: (pin: string, unlock: string, options: RequestOptions = {}) =>
      request<void>("PUT", "/api/v1/pin", { pin }, { unlock, ...options }),
    takePin: (unlock: string, options: RequestOptions = {}) =>
      request<void>("DELETE", "/api/v1/pin", undefined, { unlock, ...options }),
    setListed: (title: Id, profile: Id, listed: boolean, options: RequestOptions = {}) => {
      const path = `/api/v1/titles/${encodeURIComponent(title)}/list`;
      return listed
        ? request<Taste>("PUT", path, { profile_id: profile }, { retries: RETRIES, ...options })
        : request<Taste>("DELETE", `${path}?${query({ profile })}`, undefined, { retries: RETRIES, ...options });
    },
    setThumb: (title: Id, profile: Id, thumb: Thumb | null, options: RequestOptions = {}) =>
      request<Taste>("PUT", `/api/v1/titles/${encodeURIComponent(title)}/thumb`, { profile_id: profile, thumb }, {
        retries: RETRIES,
        ...options,
      }),
    consents: (profile: Id, options?: RequestOptions) =>
      get<Consents>(`/api/v1/profiles/${encodeURIComponent(profile)}/consents`, options),
    setConsent: (profile: Id, purpose: string, given: boolean, options: RequestOptions = {}) =>
      request<Consents>("PUT", `/api/v1/profiles/${encodeURIComponent(profile)}/consents`, { purpose, given }, {
        retries: RETRIES,
        ...options,
      }),
    history: (profile: Id, cursor: string | null, options?: RequestOptions) =>
      get<HistoryPage>(`/api/v1/history?${query({ profile, cursor, limit: 20 })}`, options),
    /** Of one title, or with null of all. */
    hideHistory: (profile: Id, title: Id | null, options: RequestOptions = {}) =>
      request<void>(
        "DELETE",
        `/api/v1/history${title === null ? "" : `/${encodeURIComponent(title)}`}?${query({ profile })}`,
        undefined,
        { retries: RETRIES, ...options },
      ),
    sessions: async (options?: RequestOptions) => (await get<{ sessions: SignedIn[] }>("/api/v1/sessions", options)).sessions,
    endSession: (id: Id, options: RequestOptions = {}) =>
      request<void>("DELETE", `/api/v1/sessions/${encodeURIComponent(id)}`, undefined, options),
    /** Every one of them, this screen's own among them. */
    endSessions: (options: RequestOptions = {}) =>
      request<{ ended: number }>("DELETE", "/api/v1/sessions", undefined, { retries: RETRIES, ...options }),
    plans: async (options?: RequestOptions) => (await get<{ plans: HomePlan[] }>("/api/v1/plan", options)).plans,
    invoices: async (options?: RequestOptions) => (await get<{ invoices: Invoice[] }>("/api/v1/invoices", options)).invoices,
    credit: async (options?: RequestOptions) => (await get<{ items: Credit[] }>("/api/v1/credit", options)).items,
    /** The same code again is answered as the first time; a wrong one is counted, and never sent twice by itself. */
    redeem: (code: string, options: RequestOptions = {}) =>
      request<{ value: Money; credit: Money }>("POST", "/api/v1/vouchers/redeem", { code }, options),
    /** The same preferences twice do no harm: tried again like a GET. */
    setPreferences: (profile: Id, preferences: Preferences, options: RequestOptions = {}) =>
      request<Profile | undefined>("PUT", `/api/v1/profiles/${encodeURIComponent(profile)}/preferences`, preferences, {
        retries: RETRIES,
        ...options,
      }),
  };
}

/** 0.4 s, 0.8 s, 1.6 s ... 8 s, each somewhere between half and the whole of it. */
export function backoffMs(attempt: number, random: number): number {
  const whole = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** (attempt - 1));
  return Math.round(whole / 2 + (whole / 2) * random);
}

function isTemporary(status: number): boolean {
  return status === 408 || status === 502 || status === 503 || status === 504;
}

function query(values: Record<string, string | number | null>): string {
  const known = Object.entries(values).filter((entry): entry is [string, string | number] => entry[1] !== null);
  return new URLSearchParams(known.map(([name, value]) => [name, String(value)])).toString();
}

function limit(asked: AbortSignal | undefined, ms: number): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = setTimeout(abort, ms);
  if (asked?.aborted) abort();
  asked?.addEventListener("abort", abort);
  return {
    signal: controller.signal,
    stop: () => {
      clearTimeout(timer);
      asked?.removeEventListener("abort", abort);
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** An answer that is no problem detail (a proxy's page, say) still becomes one, so that every screen has one case. */
function problemOf(status: number, text: string): Problem {
  const body = parse(text);
  if (typeof body === "object" && body !== null && "code" in body && typeof body.code === "string") {
    return { type: "about:blank", title: "", ...body, status, code: body.code };
  }
  return { type: "about:blank", title: `HTTP ${status}`, status, code: "unexpected_answer" };
}
