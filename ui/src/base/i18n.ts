// Words, numbers, dates and durations as a reader of one language expects them. Only Intl knows rules of language here.

import { catalogues, type Message, type MessageKey } from "./messages";

export type Language = keyof typeof catalogues;
export type Values = Readonly<Record<string, string | number>>;

export interface Words {
  readonly language: Language;
  /** `n` among the values chooses singular or plural. */
  t(key: MessageKey, values?: Values): string;
  /** 6_720_000 -> "1h 52m"; under a minute in seconds. */
  duration(ms: number): string;
  percent(fraction: number): string;
  /** RFC 3339 -> "2 October 2014". */
  date(instant: string): string;
  /** 799 in EUR -> "€7.99", by the currency's own minor unit. */
  money(money: { readonly minor: number; readonly currency: string }): string;
  /** "2014-11" -> "November 2014". */
  month(month: string): string;
  /** BCP 47 -> "French", capitalised as at the start of a line. */
  languageName(tag: string): string;
  /** Names beside each other; the languages here both do with a comma. */
  list(names: readonly string[]): string;
  /** A genre's name; one that the catalogue does not know is shown as it came, capitalised. */
  genre(id: string): string;
  role(id: string): string;
}

export const LANGUAGES: readonly Language[] = ["fr", "en"];

/** The first of the wished languages that we have; English where we have none. */
export function languageFor(wished: readonly string[]): Language {
  for (const tag of wished) {
    const found = LANGUAGES.find((language) => tag.toLowerCase().split("-")[0] === language);
    if (found) return found;
  }
  return "en";
}

export function fill(template: string, values: Values): string {
  return template.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}

const made = new Map<Language, Words>();

export function wordsFor(language: Language): Words {
  const known = made.get(language);
  if (known) return known;
  const words = make(language);
  made.set(language, words);
  return words;
}

function make(language: Language): Words {
  const catalogue: Readonly<Record<MessageKey, Message>> = catalogues[language];
  const plurals = new Intl.PluralRules(language);
  const unit = (name: string): Intl.NumberFormat =>
    new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "narrow" });
  const [hours, minutes, seconds] = [unit("hour"), unit("minute"), unit("second")];
  const percents = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
  const dates = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" });
  const months = new Intl.DateTimeFormat(language, { year: "numeric", month: "long", timeZone: "UTC" });
  const names = new Intl.DisplayNames(language, { type: "language", fallback: "none" });

  function t(key: MessageKey, values: Values = {}): string {
    const message = catalogue[key];
    if (typeof message === "string") return fill(message, values);
    const one = plurals.select(Number(values["n"] ?? 0)) === "one";
    return fill(one ? message.one : message.other, values);
  }

  function known(key: string): MessageKey | null {
    return key in catalogue ? (key as MessageKey) : null;
  }

  return {
    language,
    t,
    duration(ms) {
      const total = Math.max(0, Math.round(ms / 1000));
      if (total < 60) return seconds.format(total);
      const wholeMinutes = Math.round(total / 60);
      const [h, m] = [Math.floor(wholeMinutes / 60), wholeMinutes % 60];
      if (h === 0) return minutes.format(m);
      return m === 0 ? hours.format(h) : `${hours.format(h)} ${minutes.format(m)}`;
    },
    percent: (fraction) => percents.format(fraction),
    date: (instant) => dates.format(new Date(instant)),
    money({ minor, currency }) {
      const format = new Intl.NumberFormat(language, { style: "currency", currency });
      return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
    },
    month: (month) => months.format(new Date(`${month}-01`)),
    languageName(tag) {
      if (tag === "und" || tag === "") return t("track.original");
      return capital(nameOf(names, tag) ?? tag, language);
    },
    list: (items) => items.join(", "),
    genre(id) {
      const key = known(`genre.${id.toLowerCase().replace(/[\s-]+/g, "_")}`);
      return key ? t(key) : capital(id, language);
    },
    role(id) {
      const key = known(`role.${id.toLowerCase()}`);
      return key ? t(key) : capital(id, language);
    },
  };
}

/** A tag that is none at all makes Intl throw; a film's odd tag must not take the page with it. */
function nameOf(names: Intl.DisplayNames, tag: string): string | undefined {
  try {
    return names.of(tag);
  } catch {
    return undefined;
  }
}

function capital(text: string, language: Language): string {
  return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
}
