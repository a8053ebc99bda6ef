// What travels between the screens and the server, field by field as it is on the wire: snake_case names, instants as RFC
// 3339 strings, durations in whole milliseconds. A field may be added by the server at any time; none is ever taken away.

export type Id = string;
export type DurationMs = number;
/** RFC 3339, UTC. */
export type Instant = string;
/** BCP 47. */
export type LanguageTag = string;
export type UiLanguage = "fr" | "en";
/** The youngest age a title is meant for; 0 is everyone. */
export type AgeClass = 0 | 10 | 12 | 16 | 18;

/** RFC 9457, with the two members that Matinee adds: a code of a closed vocabulary, and what to do about it. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: string;
  remedy?: string | null;
  instance?: string | null;
  /** Beside `too_many_streams`: how many films the home may see at once, and which run. */
  limit?: number;
  streams?: RunningStream[];
}

export interface Profile {
  id: Id;
  name: string;
  /** "#rrggbb" */
  color: string;
  /** The name of a drawing (parts/avatars.tsx); "" for the name's first letter. */
  avatar: string;
  age_class: AgeClass;
  /** It has a home of its own, and the household's PIN is asked to leave it. */
  kids: boolean;
  /** To open it on this screen takes the household's PIN, as things stand here. */
  asks_pin: boolean;
  language: UiLanguage;
  audio_language: LanguageTag;
  subtitle_language: LanguageTag | null;
}

export interface Me {
  party: "box" | "viewer";
  household_id: Id;
  /** `held`: staff must check the box before it has any service. */
  box: { id: Id; model: string; label: string; held: boolean } | null;
  /** All that stand at the home's lines. An older server does not say. */
  boxes?: { id: Id; model: string; label: string }[];
  operator: { id: Id; name: string };
  language: UiLanguage;
  profiles: Profile[];
  has_pin: boolean;
  /** The kids' profile that was opened on this screen, which shows it until another one is chosen. */
  kept_on: Id | null;
  services: { id: Id; name: string }[];
}

/** What a profile can be made of, or changed in. */
export interface ProfileWish {
  name: string;
  color: string;
  avatar: string;
  language: UiLanguage;
  age_class: AgeClass;
  kids: boolean;
}

/** Everybody of the household as they now are, and the one that was meant. */
export interface Profiles {
  profile: Profile | null;
  profiles: Profile[];
}

/** `unlock` goes into the header Matinee-Unlock until it ends. */
export interface Unlocked {
  unlock: string;
  expires_at: Instant;
}

export type Thumb = "up" | "down";

export interface Taste {
  in_list: boolean;
  thumb: Thumb | null;
}

/** What a profile agrees to. What is needed is not asked. */
export interface Consents {
  consents: { purpose: string; asked: boolean; given: boolean }[];
}

export interface HistoryPage {
  items: { title: Tile; at: Instant; completed: boolean | null }[];
  next_cursor: string | null;
}

/** Absolute paths on the web origin; never changing, so they may be kept for ever. */
export interface Artwork {
  poster: string;
  poster_small: string;
  backdrop: string;
  backdrop_small: string;
  /** 16:9 with the title set on it. */
  tile: string;
}

export type TitleKind = "film" | "series" | "episode";

export interface Tile {
  id: Id;
  kind: TitleKind;
  name: string;
  year: number | null;
  duration_ms: DurationMs | null;
  age_class: AgeClass;
  genres: string[];
  artwork: Artwork | null;
  synopsis_short: string;
  series?: { id: Id; name: string; season: number; episode: number } | null;
  progress?: { position_ms: DurationMs; duration_ms: DurationMs } | null;
  service_id: Id;
  /** Of what lies with a partner: its service's name. Null or left out for what plays here. */
  service_name?: string | null;
}

export type RowKind = "continue" | "my_list" | "for-you" | "because" | "new" | "top" | "genre" | "series";

export interface Row {
  id: Id;
  kind: RowKind;
  genre?: string | null;
  /** Of a top 10 the operator's name; of what comes because something was watched, that title's. */
  about?: string | null;
  items: Tile[];
  more: boolean;
}

/** A service whose titles are there and play for this home once it has a plan. `seller`: the service itself, or the operator. */
export interface PlanNeeded {
  service_id: Id;
  service_name: string;
  seller: "us" | "operator";
}

export interface Home {
  rows: Row[];
  /** The services among those of the rows for which this home needs a plan. */
  needs_plan?: PlanNeeded[];
}

export interface RowPage {
  items: Tile[];
  next_cursor: string | null;
}

export type AudioRole = "main" | "description" | "commentary";
export type TextRole = "subtitle" | "caption" | "forced";

export interface AudioTrack {
  language: LanguageTag;
  label: string;
  role: AudioRole;
}

export interface TextTrack {
  language: LanguageTag;
  label: string;
  role: TextRole;
}

export interface Marker {
  kind: "intro" | "credits" | "recap";
  start_ms: DurationMs;
  end_ms: DurationMs;
}

export type Episode = Tile & { synopsis: string };

export interface Season {
  number: number;
  name: string | null;
  episodes: Episode[];
}

export interface Title extends Tile {
  synopsis: string;
  credits: { role: string; names: string[] }[];
  audio: AudioTrack[];
  subtitles: TextTrack[];
  /** `here`: the height that this screen's box shows, where it is less than the title's. */
  quality: { height: number; hdr: boolean; here: number | null } | null;
  seasons?: Season[];
  resume: { title_id: Id; position_ms: DurationMs } | null;
  markers: Marker[];
  warnings: string[];
  /** How a partner's title is watched; none for what plays here. */
  ways?: Way[];
  /** What OK needs first; null where it plays. */
  needs_plan?: PlanNeeded | null;
  in_list?: boolean;
  thumb?: Thumb | null;
  similar: Tile[];
}

/** One way to watch what lies with a partner. */
export interface Way {
  number: number;
  offer: "free" | "subscribe" | "buy" | "rent";
  subscription: string;
}

export type Source = "home" | "search" | "continue" | "title";

/** What this screen is to do to show a partner's title. */
export interface Launch {
  action: "launch";
  uri: string;
  context: { source: Source; service_id: Id; service_name: string; title_id: Id; entity_id: string };
}

export interface SearchAnswer {
  query: string;
  items: Tile[];
  suggestions: string[];
}

export interface Thumbnails {
  /** Absolute; "{n}" stands for the sheet's number, counted from `first` or else 1. */
  url_template: string;
  columns: number;
  rows: number;
  tile_width: number;
  tile_height: number;
  interval_ms: DurationMs;
  count: number;
}

/** The best of a film's pictures in AV1. `codec` is its RFC 6381 name, `bitrate` the most that it takes. */
export interface Av1Picture {
  codec: string;
  width: number;
  height: number;
  bitrate: number;
  frame_rate: number;
  hdr: boolean;
}

export interface Playback {
  session_id: Id;
  title: Tile;
  /** Absolute. */
  manifests: { hls: string; dash: string };
  licence: { system: "org.w3.clearkey"; url: string; keys: Record<string, string> };
  resume_ms: DurationMs;
  duration_ms: DurationMs;
  audio_language: LanguageTag;
  subtitle_language: LanguageTag | null;
  thumbnails: Thumbnails | null;
  /** null where the film has none, or this box's model is declared not to take it. */
  av1: Av1Picture | null;
  /** The tallest picture that this play's token opens; null: all that there is. An answer of an older server says nothing. */
  quality?: { max_height: number | null };
  markers: Marker[];
  next: Tile | null;
  heartbeat: { url: string; every_ms: DurationMs };
  events: { url: string };
  token_expires_at: Instant;
}

/** One film that runs in the home, as `too_many_streams` names it. `title` is null where this profile may not see it. */
export interface RunningStream {
  session_id: Id;
  screen: { kind: "box" | "web"; label: string };
  title: Tile | null;
  since: Instant;
}

export interface Heartbeat {
  sequence: number;
  position_ms: DurationMs;
  state: "playing" | "paused" | "ended";
}

export interface HeartbeatAnswer {
  manifests: { hls: string; dash: string };
  token: string;
  token_expires_at: Instant;
  position_ms: DurationMs;
  stop: string | null;
  /** Why the film gets no other token: it runs until `token_expires_at`, and no longer. */
  notice?: string | null;
}

export interface Release {
  product: "matinee-ui";
  version: string;
  entry: string;
  integrity: string;
  styles: string[];
}

export interface Preferences {
  audio_language?: LanguageTag;
  subtitle_language?: LanguageTag | null;
  language?: UiLanguage;
}

export type IngestStage = "render" | "waiting" | "probe" | "encode" | "package" | "verify" | "publish" | "paused" | "cancelling";

export interface Ingest {
  name: string;
  stage: IngestStage;
  /** 0 to 1 */
  fraction: number;
}

/**
 * A service that this screen does not have, loses, or plays once the home has a plan. `announced_for`: "2014-11", "2014-11-20", or
 * "" for no date. `watch_at`: the web's address where the home's other screens have it ("elsewhere"), else "".
 */
export interface Announced {
  service: Id;
  name: string;
  shows: "coming" | "update_needed" | "not_on_this_box" | "elsewhere" | "leaving" | "needs_plan";
  announced_for: string;
  watch_at: string;
}

/** What an activation link began: "active", or "pending" up to `valid_to`, when what was paid before ends. */
export interface Activated {
  service_id: Id;
  service_name: string;
  state: string;
  valid_from: string;
  valid_to: string | null;
}

export interface Status {
  ready: boolean;
  /** What is being made now, where the installation tells everyone (the demo does). */
  ingests: Ingest[];
}

/** A screen or a program that is signed in. `last_seen` is by the hour; `current`: this very screen. */
export interface SignedIn {
  id: Id;
  kind: "tv" | "web" | "program";
  label: string;
  begun_at: Instant;
  last_seen: Instant;
  current: boolean;
}

/** Whole minor units: 799 in EUR is 7.99 euro. */
export interface Money {
  minor: number;
  currency: string;
}

/** "2014-11-20", a day of the home's own. */
export type Day = string;

export interface PlanLimits {
  name: string;
  streams: number;
  max_height: number | null;
}

export type PlanState = "active" | "ended" | "pending" | "ending" | "suspended" | "grace" | "cancelled" | "revoked";

/** A plan of the home as it stands. `price` of what the operator sells is what it billed last. */
export interface HomePlan {
  service_id: Id;
  service_name: string;
  plan: PlanLimits;
  seller: "us" | "operator";
  operator: string | null;
  state: PlanState;
  waits_for: "link" | "other" | null;
  since: Instant;
  until: Instant | null;
  price: Money | null;
  next_charge: Day | null;
  trial_until: Instant | null;
  due: { amount: Money; grace_until: Instant | null } | null;
  lowered_from: PlanLimits | null;
}

export interface Invoice {
  number: number;
  kind: "invoice" | "credit_note";
  seller: string;
  details: string;
  month: string;
  issued_on: Day;
  total: Money;
  tax: Money;
  corrects: number | null;
  /** `until` is the day after the last one. */
  lines: { service: string; plan: string; first: Day; until: Day; amount: Money; percent: string }[];
}

/** What the home has to spend, and for which services. */
export interface Credit {
  services: string[];
  credit: Money;
}
