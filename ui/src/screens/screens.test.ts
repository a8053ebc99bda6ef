// The decisions of the screens that need no screen.
import { createRoot, createSignal } from "solid-js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NetworkError } from "../api/errors";
import type { Episode, Row, RowKind, Tile, Title } from "../api/types";
import { wordsFor } from "../base/i18n";
import { createConnection } from "./connection";
import { createLive } from "./live";
import { isElsewhere, tileLabel } from "./parts/facts";
import { renderWindow, rowTitle, SHELF_WIDTH, SIZES, trackOffset } from "./parts/shelf";
import { LAYOUTS, typed } from "./search/layouts";
import { playTarget, wayLabel } from "./title/title";
import { chosenIndex, languagesOf } from "./title/tracks";

describe("a row on a television", () => {
  const shapes = (Object.keys(SIZES) as (keyof typeof SIZES)[]).filter((shape) => shape !== "poster");
  const cases = shapes.flatMap((shape) => [1, 3, 4, 5, 10, 12, 5_000].map((count) => [shape, count] as const));
  it.each(cases)("of %s cards, %i of them: the focused card is always whole on the screen and always made", (shape, count) => {
    for (const index of [0, 1, 2, Math.floor(count / 2), count - 2, count - 1].filter((at) => at >= 0 && at < count)) {
      const left = index * SIZES[shape].pitch - trackOffset(index, count, shape);
      expect(left).toBeGreaterThanOrEqual(0);
      expect(left + SIZES[shape].width).toBeLessThanOrEqual(SHELF_WIDTH + 0.001);
      const { from, to } = renderWindow(index, count, shape);
      expect(from <= index && index < to).toBe(true);
      expect(to - from).toBeLessThanOrEqual(11);
    }
  });

  it("does not move a row that fits", () => {
    expect(trackOffset(3, 4, "tile")).toBe(0);
  });
});

describe("what a row is called", () => {
  const called = (kind: RowKind, more: Partial<Row> = {}): string =>
    rowTitle({ kind, items: [], ...more }, () => wordsFor("fr"));
  const tiles = (count: number): Tile[] => Array.from({ length: count }, () => ({}) as Tile);

  it("goes by its kind, and names what it is about", () => {
    expect(called("for-you")).toBe("Pour vous");
    expect(called("because", { about: "Le Phare" })).toBe("Parce que vous avez regardé Le Phare");
    expect(called("new")).toBe("Nouveautés");
    expect(called("genre", { genre: "western" })).toBe("Western");
  });

  it("is a top 10 where there are ten", () => {
    expect(called("top", { about: "Riviera", items: tiles(10) })).toBe("Top 10 chez Riviera");
    expect(called("top", { about: "Riviera", items: tiles(7) })).toBe("Les plus regardés chez Riviera");
  });
});

describe("the on-screen keyboard", () => {
  it.each(Object.entries(LAYOUTS))("%s fills its grid and has every letter and digit once", (_, { columns, keys }) => {
    expect(keys.length % columns).toBe(0);
    const texts = keys.map((key) => (key.kind === "letter" ? key.text : ""));
    expect(new Set(texts).size).toBe(texts.length);
    for (const needed of "abcdefghijklmnopqrstuvwxyz0123456789") expect(texts).toContain(needed);
  });

  it("types, spaces, erases", () => {
    expect(typed("a", { kind: "letter", text: "b" })).toBe("ab");
    expect(typed("", { kind: "space" })).toBe("");
    expect(typed(typed("a", { kind: "space" }), { kind: "space" })).toBe("a ");
    expect(typed("aé", { kind: "erase" })).toBe("a");
    expect(typed("a👍", { kind: "erase" })).toBe("a");
    expect(typed("abc", { kind: "clear" })).toBe("");
  });
});

describe("what Play plays", () => {
  const episode = (id: string): Episode => ({ id }) as Episode;
  const series = (resume: string | null): Title =>
    ({
      id: "s",
      kind: "series",
      resume: resume === null ? null : { title_id: resume, position_ms: 1 },
      seasons: [
        { number: 1, name: null, episodes: [episode("e1"), episode("e2")] },
        { number: 2, name: null, episodes: [episode("e3")] },
      ],
    }) as unknown as Title;

  it.each([
    ["a film itself", { id: "f", kind: "film", resume: null } as Title, "f"],
    ["a series from its first episode", series(null), "e1"],
    ["a series where it was left", series("e3"), "e3"],
    ["a series whose last episode is gone, from the first", series("gone"), "e1"],
    ["a series without episodes as it is", { id: "s", kind: "series", resume: null, seasons: [] } as unknown as Title, "s"],
  ])("%s", (_, title, expected) => {
    expect(playTarget(title).id).toBe(expected);
  });
});

describe("languages", () => {
  it("are listed once, and the preference finds its region's neighbour", () => {
    expect(languagesOf([{ language: "fr" }, { language: "en" }, { language: "fr" }])).toEqual(["fr", "en"]);
    const options = [{ value: null }, { value: "fr-FR" }, { value: "en" }];
    expect([null, "en", "fr", "de"].map((tag) => chosenIndex(options, tag))).toEqual([0, 2, 1, -1]);
  });
});

describe("a live value", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const start = (answers: (() => Promise<string>)[], keepOld = false) =>
    createRoot((dispose) => {
      const connection = createConnection();
      const [key, setKey] = createSignal<string | null>("a");
      let at = 0;
      const load = (): Promise<string> => (answers[at++] ?? answers[answers.length - 1] ?? (() => Promise.resolve("")))();
      const live = createLive<string>({ key, load, connection, keepOld });
      return { live, connection, setKey, dispose, asked: () => at };
    });
  const fails = (): Promise<string> => Promise.reject(new NetworkError("cut"));
  const gives = (value: string) => (): Promise<string> => Promise.resolve(value);

  it("keeps what it shows when a newer one cannot be had, and tries again by itself", async () => {
    const { live, dispose } = start([gives("one"), fails, gives("two")]);
    await vi.advanceTimersByTimeAsync(0);
    live.refresh();
    await vi.advanceTimersByTimeAsync(0);
    expect([live.value(), live.complaint()]).toEqual(["one", "network"]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([live.value(), live.complaint()]).toEqual(["two", null]);
    dispose();
  });

  it("asks at once when the connection is back", async () => {
    const { live, connection, dispose } = start([fails, gives("one")]);
    await vi.advanceTimersByTimeAsync(0);
    connection.cut();
    connection.note(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(live.value()).toBe("one");
    dispose();
  });

  it("takes no answer to a question that is not asked any more", async () => {
    let late: (value: string) => void = () => undefined;
    const { live, setKey, dispose } = start([() => new Promise((done) => (late = done)), gives("new")], true);
    await vi.advanceTimersByTimeAsync(0);
    setKey("b");
    await vi.advanceTimersByTimeAsync(0);
    late("old");
    await vi.advanceTimersByTimeAsync(0);
    expect(live.value()).toBe("new");
    dispose();
  });
});

describe("the connection", () => {
  it("is not lost by one lost request, and counts its returns", () => {
    const connection = createConnection();
    connection.note(false);
    expect(connection.online()).toBe(true);
    connection.note(false);
    expect(connection.online()).toBe(false);
    connection.note(true);
    connection.note(true);
    expect([connection.online(), connection.recoveries()]).toEqual([true, 1]);
  });
});

describe("the ways to a partner's title", () => {
  it.each([
    ["en", "free", "Watch on Chaîne 1"],
    ["en", "subscribe", "Watch on Chaîne 1"],
    ["fr", "rent", "Louer sur Chaîne 1"],
    ["fr", "buy", "Acheter sur Chaîne 1"],
  ] as const)("in %s, %s: %s", (language, offer, label) => {
    expect(wayLabel({ number: 0, offer, subscription: "" }, "Chaîne 1", wordsFor(language))).toBe(label);
  });

  it("are told of by the service's name", () => {
    const tile = { id: "t", kind: "film", name: "Le Phare", year: null, duration_ms: null, age_class: 0, genres: [] } as unknown as Tile;
    expect(tileLabel(tile, wordsFor("fr"))).toBe("Le Phare");
    expect(tileLabel({ ...tile, service_name: "Chaîne 1" }, wordsFor("fr"))).toBe("Le Phare, Chaîne 1");
    expect([isElsewhere(tile), isElsewhere({ ...tile, service_name: "Chaîne 1" })]).toEqual([false, true]);
  });
});
